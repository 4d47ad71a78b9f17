import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { EACH_ALONE, eventually, Firebreak } from '../../../test/support/firebreak.ts';

const ADA = 'ada@acme.example';
const GONE = 'gone@acme.example';
const PUBLIC_URL = 'https://firebreak.acme.example';

const statusPage = {
  pages: { main: { title: 'Acme Status', subscriptions: ['email'], components: ['Checkout', 'Search'] } },
};
const services = {
  checkout: { statusPage: { components: ['Checkout'], publish: 'auto' }, environments: { production: {} } },
  search: { statusPage: { components: ['Search'], publish: 'auto' }, environments: { production: {} } },
};

let firebreak: Firebreak;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    services,
    timeScale: 60,
    unshown: true,
    configFiles: { 'status-page.yaml': stringify(statusPage), ...EACH_ALONE },
    env: { FIREBREAK_PUBLIC_URL: PUBLIC_URL },
  });
});
afterAll(() => firebreak.stop());

/** Emails to an address as the mail server received them, with lines joined that transport encoding has split. */
const emailsTo = async (address: string): Promise<string[]> =>
  (await firebreak.calls('mail')).filter(({ path }) => path === `/${address}`).map(({ body }) => decoded(String(body)));

const decoded = (email: string): string =>
  email
    .replaceAll('=\r\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));

const seen = (address: string, subject: string): Promise<string> =>
  eventually(async () => {
    const all = await emailsTo(address);
    const found = all.find((email) => new RegExp(`^Subject: .*${subject}`, 'm').test(email));
    return found ?? Promise.reject(new Error(all.join('\n')));
  }, `an email “${subject}” to ${address}`);

/** Sends a form, as a browser or a mail program. @returns status and page */
async function post(url: string, fields: readonly [string, string][] = []): Promise<{ status: number; text: string }> {
  const answer = await fetch(url.replace(PUBLIC_URL, firebreak.url), {
    method: 'POST',
    body: new URLSearchParams([...fields]),
  });
  return { status: answer.status, text: await answer.text() };
}

const linkIn = (email: string, purpose: string): string =>
  new RegExp(`${PUBLIC_URL}/status/subscriptions/main/${purpose}/[\\w.-]+`).exec(email)?.[0] ??
  expect.fail(`no link to ${purpose} in ${email}`);

async function subscribe(address: string): Promise<void> {
  await post(`${PUBLIC_URL}/status/subscriptions/main`, [
    ['address', address],
    ['component', 'Checkout'],
  ]);
  const link = linkIn(await seen(address, 'Confirm your subscription'), 'confirm');
  // A scanner of email opens the link.
  expect(await (await fetch(link.replace(PUBLIC_URL, firebreak.url))).text()).toContain('Confirm your subscription');
  expect((await post(link)).text).toContain('Your subscription is confirmed');
}

const alert = (service: string, status: 'firing' | 'resolved') =>
  firebreak.post('/v1/alerts/generic', {
    service,
    environment: 'production',
    severity: 'critical',
    title: 'db-internal-7 does not answer',
    dedup_key: service,
    status,
  });

test('a subscriber gets updates by email until a mail program unsubscribes with one click', async () => {
  expect(await (await fetch(`${firebreak.url}/status`)).text()).toContain('href="/status/subscriptions/main"');
  await Promise.all([subscribe(ADA), subscribe('bea@acme.example')]);

  await alert('search', 'firing');
  await alert('checkout', 'firing');
  const first = await seen(ADA, 'Investigating: Problems with Checkout');
  expect(first).not.toContain('db-internal-7');
  expect(first).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r$/m);
  expect(first).toMatch(/^Message-ID: <[0-9a-f]{40}@firebreak\.invalid>\r$/m);
  const [, unsubscribe = ''] = /^List-Unsubscribe: <(\S+)>\r$/m.exec(first) ?? [];
  expect(unsubscribe).toBe(linkIn(first, 'unsubscribe'));
  expect(await post(unsubscribe, [['List-Unsubscribe', 'One-Click']])).toMatchObject({ status: 200 });

  const { body } = await firebreak.get('/v1/incidents?service=checkout');
  const ended = await firebreak.post(`/v1/incidents/${String(body.items[0].id)}/actions/resolve`);
  expect(ended.status).toBeLessThan(300);
  await seen('bea@acme.example', 'Resolved: Problems with Checkout');
  const subjects = (emails: string[]) => emails.map((email) => /^Subject: (.*)\r$/m.exec(email)?.[1]);
  expect(subjects(await emailsTo(ADA)).filter((subject) => subject?.includes('Resolved'))).toEqual([]);
  const all = subjects(await emailsTo('bea@acme.example'));
  expect(all.filter((subject) => subject?.includes('Search'))).toEqual([]);
  expect(new Set(all).size, 'each update once').toBe(all.length);
  expect((await post(linkIn(first, 'manage'), [['component', 'Search']])).status).toBe(404);
});

test('an address that does not exist gets no second message', async () => {
  const fault = { kind: 'status', status: 550, body: '5.1.1 no such user' };
  const rule = { vendor: 'mail', fault, match: { path: `/${GONE}` } };
  expect((await firebreak.put('/sandbox/faults', rule)).status).toBeLessThan(300);
  const form: [string, string][] = [
    ['address', GONE],
    ['component', 'Checkout'],
  ];
  await post(`${PUBLIC_URL}/status/subscriptions/main`, form);
  await eventually(async () => (await emailsTo(GONE)).length === 1, 'the refused message');
  await alert('checkout', 'firing');
  await seen('bea@acme.example', 'Investigating: Problems with Checkout');
  expect(await emailsTo(GONE)).toHaveLength(1);
});
