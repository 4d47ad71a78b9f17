import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SubscriberTable } from '../../stores/subscribers.ts';
import { addresses } from '../../decisions/subscriptions/messages.ts';
import { subscriptionsApp } from '../../pages/subscriptions/routes.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { Subscriber } from '../../schemas/subscriber.ts';
import { certificate, CERTIFICATE_URL, snsMessage, TOPIC } from '../../../../test/vendors/sns/signed.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';
import { silent } from '../../../../test/support/fake-deps.ts';

const HOSTILE = `<script>alert(1)</script>"'&`;
const ADA = 'ada@acme.example';
const URL_OF = 'https://firebreak.acme.example';

let stores: TableStores;
let subscribers: SubscriberTable;
let app: ReturnType<typeof subscriptionsApp>;
/** A different client for each test. */
let client = 0;

beforeAll(async () => {
  stores = await openTable();
  subscribers = new SubscriberTable(stores.table, stores.clock);
});
afterAll(() => stores.close());

const config = Config.parse({
  version: 'test',
  services: {},
  paging: {},
  statusPage: {
    pages: {
      main: { title: `Acme ${HOSTILE}`, subscriptions: ['email'], components: ['Checkout', `Search ${HOSTILE}`] },
      partners: {
        title: 'Partners',
        subscriptions: ['slack', 'teams', 'webhook'],
        components: ['Partner API'],
      },
      closed: { title: 'Closed', components: ['Checkout'] },
    },
  },
});

beforeEach(async () => {
  client += 1;
  stores.clock.set(stores.clock.millis + 86_400_000); // limits of other tests are over
  stores.woken.length = 0;
  for (const page of ['main', 'partners'])
    for (const { id } of await subscribers.of(page)) await subscribers.remove(page, id);
  app = appWith();
});

const appWith = ({ config: current = config, publicUrl = URL_OF }: { config?: Config; publicUrl?: string } = {}) =>
  subscriptionsApp({
    clock: stores.clock,
    config: { current: async () => current, problems: async () => [] },
    log: silent,
    projections: stores.projections,
    publicUrl,
    subscribers,
  });

async function ask(path: string, form?: readonly (readonly [string, string])[], from = `192.0.2.${client}`) {
  const init = form && {
    method: 'POST',
    body: new URLSearchParams([...form].map(([name, value]): [string, string] => [name, value])).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  };
  const answer = await app.request(`http://localhost${path}`, init, {
    requestContext: { http: { sourceIp: from } },
  });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

const AT = '/status/subscriptions/main';
const subscribe = (to: string, components = ['Checkout'], from?: string) =>
  ask(AT, [['address', to], ...components.map((name) => ['component', name] as const)], from);

const only = async (page = 'main'): Promise<Subscriber> => {
  const [one, ...more] = await subscribers.of(page);
  if (one === undefined || more.length > 0) throw new Error('not exactly one subscription');
  return one;
};
const linkOf = async (purpose: 'confirm' | 'manage' | 'unsubscribe', page?: string): Promise<string> =>
  addresses('', subscribers).link(await only(page), purpose);

const due = async () => (await stores.projections.due('subscribers')).map(({ subject }) => subject);

describe('the form', () => {
  test('asks for an address and components, and shows texts of the configuration as text', async () => {
    const { status, text, headers } = await ask(AT);
    expect(status).toBe(200);
    expect(text).toContain('<form method="post" action="/status/subscriptions/main">');
    expect(text).not.toContain('<script>');
    expect(text.match(/type="checkbox"/g)).toHaveLength(2);
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; .*form-action 'self'/,
    );
    expect(headers.get('set-cookie')).toBeNull();
  });

  test.each(['/status/subscriptions/closed', '/status/subscriptions/unknown'])('%s does not exist', async (path) => {
    expect((await ask(path)).status).toBe(404);
    expect((await ask(path, [['address', ADA]])).status).toBe(404);
  });

  test('creates a subscription without effect, which the projector asks its owner to confirm', async () => {
    const { status, text } = await subscribe(ADA);
    expect([status, text]).toEqual([200, expect.stringContaining('Check your messages')]);
    const one = await only();
    expect(one).toMatchObject({ to: ADA, components: ['Checkout'], state: 'pending', requested: 1, answered: 0 });
    expect(await due()).toContain(`subscription:main/${one.id}`);
    expect(stores.woken).toEqual(['subscribers in 0 s']);
  });

  test.each([
    ['no address', '', ['Checkout']],
    ['no mailbox', 'acme.example', ['Checkout']],
    ['a second header', `${ADA}\r\nBcc: bea@acme.example`, ['Checkout']],
    ['two mailboxes', `${ADA}, bea@acme.example`, ['Checkout']],
    ['a long address', `${'a'.repeat(64)}@${'b'.repeat(200)}.example`, ['Checkout']],
    ['no component', ADA, []],
    ['an unknown component', ADA, ['Partner API']],
  ])('with %s is shown again', async (_, to, components) => {
    const { status, text } = await subscribe(to, components);
    expect([status, text]).toEqual([422, expect.stringContaining('role="alert"')]);
    expect(await subscribers.of('main')).toEqual([]);
  });

  test('shows a hostile address as text', async () => {
    const { text } = await subscribe(`"><script>alert(1)</script>`);
    expect(text).toContain('value="&quot;&gt;&lt;script&gt;');
    expect(text).not.toContain('<script>');
  });

  test.each([
    ['bytes', Buffer.from('address=jos\xe9@acme.example&component=Checkout', 'latin1')],
    ['escaped bytes', Buffer.from('address=jos%E9@acme.example&component=Checkout')],
  ])('with %s that are not UTF-8 is refused', async (_, body) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const init = { method: 'POST', body: new Uint8Array(body), headers };
    const answer = await app.request(`http://localhost${AT}`, init, {
      requestContext: { http: { sourceIp: `192.0.2.${client}` } },
    });
    expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ code: 'not-utf-8' })]);
    expect(await subscribers.of('main')).toEqual([]);
  });

  test('with all components means later ones, too', async () => {
    await subscribe(ADA, ['Checkout', `Search ${HOSTILE}`]);
    expect((await only()).components).toBeNull();
  });
});

describe('nobody learns whether an address is subscribed, or changes its subscription', () => {
  test('the answer is the same for a new and for a confirmed address, in any spelling', async () => {
    const first = await subscribe(ADA);
    await ask(await linkOf('confirm'), []);
    const again = await subscribe(ADA, [`Search ${HOSTILE}`]);
    expect(again.text).toBe(first.text);
    await subscribe('Ada@ACME.example');
    expect(await only()).toMatchObject({ state: 'confirmed', components: ['Checkout'], requested: 3 });
  });

  test('an address gets three messages a day, and the answer does not tell', async () => {
    const answers = [];
    for (let n = 0; n < 5; n += 1) answers.push(await subscribe(ADA));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect((await only()).requested).toBe(3);
    stores.clock.set(stores.clock.millis + 86_400_000);
    await subscribe(ADA);
    expect((await only()).requested).toBe(4);
  });

  test('addresses of one mailbox share its messages, and updates go to the address as it was given', async () => {
    const tagged = Array.from({ length: 5 }, (_, n) => `Ada+${n}@acme.example`);
    const answers = [];
    for (const to of [ADA, ADA.toUpperCase(), ...tagged]) answers.push(await subscribe(to));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const asked = (await subscribers.of('main')).map(({ to, requested }) => [to, requested]);
    expect(new Map(asked as [string, number][])).toEqual(
      new Map([
        [ADA, 2],
        ['Ada+0@acme.example', 1],
      ]),
    );
    await subscribe('bea+ops@acme.example');
    expect(await subscribers.of('main')).toHaveLength(3);
  });

  test('a client is limited by its network, and others are not', async () => {
    const statuses = [];
    for (let n = 0; n < 22; n += 1)
      statuses.push((await subscribe(`n${n}@acme.example`, ['Checkout'], `2001:db8::${n}`)).status);
    expect(statuses).toEqual([...Array<number>(20).fill(200), 429, 429]);
    const refused = await subscribe('late@acme.example', ['Checkout'], '2001:db8::1');
    expect([refused.headers.get('content-type'), refused.headers.get('retry-after')]).toEqual([
      'text/html; charset=utf-8',
      '3600',
    ]);
    expect(refused.text).toContain('value="late@acme.example"');
    expect(refused.text).toContain('Too many requests from your network; try again in an hour.');
    expect((await subscribe(ADA, ['Checkout'], '2001:db8:0:1::1')).status).toBe(200);
    stores.clock.set(stores.clock.millis + 3_600_000);
    expect((await subscribe(ADA, ['Checkout'], '2001:db8::1')).status).toBe(200);
  });
});

describe('a link', () => {
  beforeEach(() => subscribe(ADA));

  test.each(['confirm', 'manage', 'unsubscribe'] as const)(
    'to %s changes nothing when it is opened',
    async (purpose) => {
      const before = await only();
      for (let n = 0; n < 2; n += 1) {
        const { status, headers, text } = await ask(await linkOf(purpose));
        expect(status).toBe(200);
        expect(headers.get('referrer-policy')).toBe('no-referrer');
        expect(headers.get('cache-control')).toBe('no-store');
        expect(text).toContain('a•••@acme.example');
        expect(text).not.toContain(ADA);
      }
      expect(await only()).toEqual(before);
    },
  );

  test('confirms by its button, as often as it is pressed', async () => {
    const link = await linkOf('confirm');
    const { text } = await ask(link, []);
    expect(text).toContain('Your subscription is confirmed');
    const one = await only();
    expect(one).toMatchObject({ state: 'confirmed', confirmed_at: stores.clock.now(), delete_at: null });
    stores.clock.set(stores.clock.millis + 1000);
    expect((await ask(link, [])).status).toBe(200);
    expect((await only()).confirmed_at).toBe(one.confirmed_at);
  });

  test('of one purpose, of another subscription, or that was altered does nothing', async () => {
    const [confirm, manage, other] = [await linkOf('confirm'), await linkOf('manage'), 'ffff'.repeat(8)];
    const id = (await only()).id;
    const wrong = [
      confirm.replace('/confirm/', '/manage/'),
      manage.replace('/manage/', '/confirm/'),
      confirm.replace('/main/', '/partners/'),
      confirm.replace(id, other),
      `${confirm.slice(0, -1)}${confirm.endsWith('A') ? 'B' : 'A'}`,
      `${AT}/confirm/x`,
    ];
    for (const path of wrong) {
      expect([path, (await ask(path)).status]).toEqual([path, 404]);
      expect([path, (await ask(path, [['component', 'Checkout']])).status]).toEqual([path, 404]);
    }
    await ask(confirm.replace('/confirm/', '/unsubscribe/'), []);
    expect((await only()).state).toBe('pending');
  });

  test('to confirm expires after 48 hours, together with the address', async () => {
    const link = await linkOf('confirm');
    stores.clock.set(stores.clock.millis + 48 * 3_600_000);
    expect((await ask(link, [])).status).toBe(404);
    expect(await subscribers.of('main')).toEqual([]);
    await subscribe(ADA);
    expect((await ask(link, [])).status, 'a link of the earlier subscription').toBe(404);
    expect((await ask(await linkOf('confirm'), [])).status).toBe(200);
  });

  test('to confirm expires after 48 hours for a confirmed subscription, too, which stays', async () => {
    const link = await linkOf('confirm');
    await ask(link, []);
    stores.clock.set(stores.clock.millis + 48 * 3_600_000);
    expect([(await ask(link)).status, (await ask(link, [])).status]).toEqual([404, 404]);
    expect((await ask(await linkOf('manage'))).status).toBe(200);
  });

  test('changes the components', async () => {
    await ask(await linkOf('confirm'), []);
    const link = await linkOf('manage');
    expect((await ask(link, [['component', `Search ${HOSTILE}`]])).text).toContain('Your selection is saved');
    expect((await only()).components).toEqual([`Search ${HOSTILE}`]);
    expect((await ask(link, [])).status).toBe(422);
  });

  test('ends the subscription with one request of a mail program, and deletes the address', async () => {
    await ask(await linkOf('confirm'), []);
    const link = await linkOf('unsubscribe');
    const first = await ask(link, [['List-Unsubscribe', 'One-Click']]);
    expect(first.status).toBe(200);
    expect(await subscribers.of('main')).toEqual([]);
    expect(
      await stores.table.get({ pk: 'SUBSCRIBERS#main', sk: link.split('/').at(-1)?.split('.')[0] ?? '' }),
    ).toBeUndefined();
    const again = await ask(link, [['List-Unsubscribe', 'One-Click']]);
    expect([again.status, again.text], 'a repeat').toEqual([200, first.text]);
  });

  test.each([
    ['nobody can subscribe to its page any more', { main: { title: 'Acme', components: ['Checkout'] } }],
    ['its page is removed', { other: { title: 'Other', components: ['Checkout'] } }],
    ['its page is internal now', { main: { audience: 'internal', title: 'Hidden', components: ['Checkout'] } }],
  ])('ends the subscription when %s', async (_, pages) => {
    await ask(await linkOf('confirm'), []);
    const [end, manage] = [await linkOf('unsubscribe'), await linkOf('manage')];
    app = appWith({ config: Config.parse({ ...config, statusPage: { pages } }) });
    expect((await ask(manage)).status).toBe(404);
    const shown = await ask(end);
    expect([shown.status, shown.text]).toEqual([200, expect.stringContaining('a•••@acme.example')]);
    expect(shown.text).not.toContain('Hidden');
    expect((await ask(end, [['List-Unsubscribe', 'One-Click']])).status).toBe(200);
    expect(await subscribers.of('main')).toEqual([]);
    const ended = await ask(end);
    expect([ended.status, ended.text.includes('Subscribe again')]).toEqual([404, false]);
  });
});

test('without a public address, nobody can subscribe, because the header Host could be forged', async () => {
  app = subscriptionsApp({
    clock: stores.clock,
    config: { current: async () => config, problems: async () => [] },
    log: silent,
    projections: stores.projections,
    publicUrl: undefined,
    subscribers,
  });
  expect((await subscribe(ADA)).status).toBe(503);
});

describe('a page with several channels', () => {
  const PARTNERS = '/status/subscriptions/partners';
  const request = (channel: string, address: string) =>
    ask(PARTNERS, [
      ['channel', channel],
      ['address', address],
      ['component', 'Partner API'],
    ]);

  test('asks how', async () => {
    const { text } = await ask(PARTNERS);
    expect(text.match(/type="radio"/g)).toHaveLength(3);
    expect(text).not.toContain('value="email"');
  });

  test.each([
    ['slack', 'https://hooks.slack.com/services/T000/B000/xyz'],
    ['teams', 'https://prod-1.westeurope.logic.azure.com:443/workflows/a/triggers/manual/paths/invoke?sig=x'],
    ['teams', 'https://default0.11.environment.api.powerplatform.com/powerautomate/x?sig=y'],
    ['webhook', 'https://hook.acme.example/firebreak?key=1'],
  ])('%s accepts %s', async (channel, address) => {
    expect((await request(channel, address)).status).toBe(200);
    expect(await only('partners')).toMatchObject({ channel, to: new URL(address).href, state: 'pending' });
  });

  test.each([
    ['slack', 'https://hooks.slack.com.acme.example/services/a'],
    ['slack', 'https://hooks.slack.com/api/chat.postMessage'],
    ['slack', 'ada@acme.example'],
    ['teams', 'https://logic.azure.com.acme.example/x'],
    ['webhook', 'http://hook.acme.example/'],
    ['webhook', 'https://user:password@hook.acme.example/'],
    ['webhook', 'https://hook.acme.example:8443/'],
    ['webhook', 'javascript:alert(1)'],
  ])('%s refuses %s', async (channel, address) => {
    expect((await request(channel, address)).status).toBe(422);
    expect(await subscribers.of('partners')).toEqual([]);
  });

  test('counts an address of a webhook once, with any fragment, which is not sent', async () => {
    for (const fragment of ['', '#', '#a', '#b']) await request('webhook', `https://hook.acme.example/a?b${fragment}`);
    expect(await only('partners')).toMatchObject({ to: 'https://hook.acme.example/a?b', requested: 3 });
  });

  test('shows the secret of a webhook to those who can confirm it, and never its address', async () => {
    await request('webhook', 'https://hook.acme.example/secret-path');
    const secret = subscribers.secretOf(await only('partners'));
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const before = await ask(await linkOf('confirm', 'partners'));
    expect(before.text).toContain('https://hook.acme.example/•••');
    expect(before.text).not.toContain(secret);
    const after = await ask(await linkOf('confirm', 'partners'), []);
    expect(after.text).toContain(secret);
    expect(after.text).not.toContain('secret-path');
  });
});

describe('bounces that Amazon SES reports through SNS', () => {
  const withTopics = Config.parse({
    version: 'test',
    services: {},
    paging: {},
    statusPage: { pages: { main: { subscriptions: ['email'], components: ['Checkout'] } }, bounceTopics: [TOPIC] },
  });
  let urls: string[];

  const report = async (fields: Record<string, string>, current = withTopics) => {
    urls = [];
    const bouncing = subscriptionsApp(
      {
        clock: stores.clock,
        config: { current: async () => current, problems: async () => [] },
        log: silent,
        projections: stores.projections,
        publicUrl: URL_OF,
        subscribers,
      },
      async (url) => (urls.push(url), certificate()),
    );
    const answer = await bouncing.request('http://localhost/status/subscriptions/bounces/sns', {
      method: 'POST',
      headers: { 'content-type': 'text/plain; charset=UTF-8' },
      body: JSON.stringify(snsMessage(fields)),
    });
    return answer.status;
  };
  const event = (kind: 'Bounce' | 'Complaint', timestamp = stores.clock.now()) => {
    const to = [{ emailAddress: ADA.toUpperCase() }];
    const bounce = { bounceType: 'Permanent', bouncedRecipients: to, timestamp };
    const complaint = { complainedRecipients: to, timestamp };
    return { Message: JSON.stringify({ notificationType: kind, ...(kind === 'Bounce' ? { bounce } : { complaint }) }) };
  };
  const confirmed = async () => {
    await subscribe(ADA);
    await ask(await linkOf('confirm'), []);
    expect((await only()).state).toBe('confirmed');
    stores.clock.set(stores.clock.millis + 1000);
  };

  test('suspend a subscriber who accepts no email, once; a new confirmation counts more than an old report', async () => {
    await confirmed();
    expect(await report(event('Bounce', '2026-01-01T00:00:00.000Z' as Timestamp))).toBe(204);
    expect((await only()).state).toBe('confirmed');
    expect(await report(event('Bounce'))).toBe(204);
    const { state, rev } = await only();
    expect(state).toBe('suspended');
    expect(await report(event('Bounce'))).toBe(204);
    expect((await only()).rev).toBe(rev);
  });

  test('end the subscription of who complains', async () => {
    await confirmed();
    const { id } = await only();
    expect(await report(event('Complaint'))).toBe(204);
    expect(await subscribers.of('main')).toEqual([]);
    expect(await subscribers.hasLeft('main', id)).toBe(true);
  });

  test('are refused from other topics and without a valid signature; a topic is confirmed at SNS only', async () => {
    await confirmed();
    expect(await report({ ...event('Complaint'), TopicArn: `${TOPIC}-of-others` })).toBe(401);
    expect(await report({ ...event('Complaint'), SignatureVersion: '1' })).toBe(401);
    expect(await report(event('Complaint'), config)).toBe(404);
    expect((await only()).state).toBe('confirmed');
    const SubscribeURL = 'https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t';
    const confirmation = { Type: 'SubscriptionConfirmation', Token: 't' };
    expect(await report({ ...confirmation, SubscribeURL })).toBe(204);
    expect(urls).toEqual([CERTIFICATE_URL, SubscribeURL]);
    expect(await report({ ...confirmation, SubscribeURL: 'https://evil.example/' })).toBe(401);
    expect(urls).toEqual([CERTIFICATE_URL]);
  });
});
