import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_TOKEN, Firebreak } from '../../../support/firebreak.ts';
import { seen } from '../../../support/fixtures.ts';
import { SECRET, signed } from '../../actions/paging/webhooks.ts';

const STAKEHOLDERS = `
stakeholders:
  - { email: [cto@acme.example, support@acme.example], everyMinutes: 60 }
  - { slack: '#status', services: [checkout] }
  - { email: search-lead@acme.example, services: [search] }
triage: { acknowledgeMinutes: off, commanderMinutes: off, updateMinutes: off }
`;

/** One hour ago in UTC: the weekly report is due since then. */
const [DAY = '', TIME = ''] = new Date(Date.now() - 3_600_000).toUTCString().match(/^\w{3}|\d\d:\d\d/g) ?? [];
const WHEN = `day: ${DAY.toLowerCase()}, at: '${TIME}'`;
const REPORT = `shadowReport: { slack: '#automation', email: sre@acme.example, ${WHEN} }`;

const place = { environments: { production: {} } };

let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.start({
    services: { checkout: { ...place, team: 'payments' }, search: place },
    configFiles: { 'response.yaml': `${STAKEHOLDERS}${REPORT}\n` },
    timeScale: 60, // status updates are sent each second
    env: { PAGERDUTY_WEBHOOK_SECRET: SECRET },
  });
});
afterAll(() => firebreak.remove());

const letters = async () =>
  (await firebreak.calls('mail')).map(({ path, body }) => ({ to: path.slice(1), body: String(body) }));
const lettersTo = async (to: string) => (await letters()).filter((letter) => letter.to === to).map(({ body }) => body);
const messages = async () =>
  (await firebreak.calls('slack'))
    .filter(({ path }) => path.endsWith('/chat.postMessage'))
    .map(({ body }) => new URLSearchParams(String(body)))
    .filter((form) => form.get('channel') === '#status')
    .map((form) => String(form.get('text')));

/** Returns the messages of a channel. */
const channel = async (name: string) => JSON.stringify((await firebreak.get(`/sandbox/slack/channels/${name}`)).body);

const paged = async (): Promise<{ id: string; title: string }[]> =>
  (await firebreak.get('/sandbox/state')).body.views.pagerduty.incidents;

describe('stakeholders', () => {
  let id: string;

  test('are notified of an incident, each by a separate email without other recipients', async () => {
    const wanted = { service: 'checkout', environment: 'production', title: 'Payments fail', severity: 'critical' };
    const { body } = await firebreak.post('/v1/incidents', wanted);
    ({ id } = body);
    const [letter] = await seen(async () => {
      const all = await lettersTo('cto@acme.example');
      return all.length > 0 && all;
    }, 'an email');
    expect(letter).toMatch(/^Subject: INC-\d+ checkout production: Payments fail \(critical, open\)$/m);
    expect(letter).toContain('Commander: unassigned');
    expect(letter).not.toContain('support@acme.example');
    await seen(async () => (await lettersTo('support@acme.example')).length === 1, 'the other email');
    await seen(async () => (await messages()).some((text) => /^INC-\d+ checkout production/.test(text)), 'a message');
  });

  /** Waits for the email with this text. */
  const letterThatSays = (words: string) =>
    seen(async () => (await lettersTo('cto@acme.example')).find((letter) => letter.includes(words)), words);

  test('get the newest update that was sent over HTTP', async () => {
    await firebreak.post(`/v1/incidents/${id}/updates`, { text: 'Cards are refused' });
    expect(await letterThatSays('Cards are refused')).toMatch(
      /^What is being done\r\nCards are refused\r\n\(posted [\d-]+ [\d:]+ UTC\)\r$/m,
    );
    await firebreak.post(`/v1/incidents/${id}/updates`, { text: 'The cause is found' });
    expect(await letterThatSays('The cause is found')).not.toContain('Cards are refused');
    await seen(async () => (await channel('status')).includes('The cause is found'), 'the same in Slack');
  });

  test('get an update that was sent in Slack', async () => {
    const name = await seen(async () => (await firebreak.get(`/v1/incidents/${id}`)).body.channel, 'its channel');
    const typed = { user: 'ada', channel: name.slice(1), text: '/incident update The fix is on its way' };
    expect(await firebreak.post('/sandbox/slack/commands', typed)).toMatchObject({
      status: expect.toBeOneOf([200, 201]),
    });
    await letterThatSays('The fix is on its way');
    await seen(async () => (await channel('status')).includes('The fix is on its way'), 'the same in Slack');
  });

  test('get an update that was sent at PagerDuty', async () => {
    const page = await seen(async () => (await paged())[0], 'a page');
    await firebreak.post(`/sandbox/pagerduty/incidents/${page.id}/annotate`, { by: 'Ada Park', text: 'looking' });
    const incident = { id: page.id, type: 'incident_reference', summary: page.title };
    const event = {
      id: '01CH754SM17TWPE2V2H4VPBROB',
      event_type: 'incident.status_update_published',
      resource_type: 'incident',
      occurred_at: new Date().toISOString(),
      agent: null,
      client: null,
      data: { incident, id: 'PSTATUS', message: 'All cards work again', type: 'status_update' },
    };
    const { headers, body } = signed(JSON.stringify({ event }));
    expect(await firebreak.request('POST', '/integrations/pagerduty/webhook', body, headers)).toMatchObject({
      status: 202,
    });
    await letterThatSays('All cards work again');
    await seen(async () => (await channel('status')).includes('All cards work again'), 'the same in Slack');
  });

  test('are notified of changes, and once of the resolution', async () => {
    await firebreak.request(
      'PATCH',
      `/v1/incidents/${id}`,
      { severity: 'warning' },
      { authorization: `Bearer ${ADMIN_TOKEN}` },
    );
    await seen(
      async () => (await lettersTo('cto@acme.example')).some((letter) => /^Subject: .*\(warning/m.test(letter)),
      'an email about the change',
    );
    await firebreak.post(`/v1/incidents/${id}/actions/resolve`);
    const isOver = (letter: string) => /^Subject: Resolved: /m.test(letter);
    await seen(async () => (await lettersTo('cto@acme.example')).some(isOver), 'an email about the resolution');
    await seen(
      async () => (await messages()).some((text) => text.startsWith('Resolved: ')),
      'a message about the resolution',
    );
    expect((await lettersTo('cto@acme.example')).filter(isOver)).toHaveLength(1);
  });

  test('are not notified of other incidents', async () => {
    expect(await lettersTo('search-lead@acme.example')).toEqual([]);
  });

  test('unknown to the mail server are on the timeline, do not affect others, and are not notified of the resolution', async () => {
    const unknown = { kind: 'status', status: 550, body: '5.1.1 no such user' };
    const rule = { vendor: 'mail', fault: unknown, match: { path: '/search-lead@acme.example' } };
    expect((await firebreak.put('/sandbox/faults', rule)).status).toBeLessThan(300);
    const wanted = { service: 'search', environment: 'production', title: 'Nothing is found', severity: 'critical' };
    const { body } = await firebreak.post('/v1/incidents', wanted);
    const { text } = await seen(async () => {
      const { items } = (await firebreak.get(`/v1/incidents/${body.id}/timeline`)).body;
      return items.find(({ kind }: { kind: string }) => kind === 'stakeholder.refused');
    }, 'the timeline entry');
    expect(text).toMatch(
      /^Status updates cannot be delivered to search-lead@acme\.example: .*550 5\.1\.1 no such user$/,
    );

    await firebreak.post(`/v1/incidents/${body.id}/actions/resolve`);
    const toOthers = async () =>
      (await lettersTo('cto@acme.example')).filter((letter) => letter.includes('Nothing is found'));
    await seen(
      async () => (await toOthers()).some((letter) => letter.includes('Subject: Resolved: ')),
      'the resolution',
    );
    expect(await toOthers()).toHaveLength(2);
    expect(await lettersTo('search-lead@acme.example')).toHaveLength(1); // the failed attempt
  });
});

test('the weekly shadow report is sent to each receiver once', async () => {
  const [letter] = await seen(async () => {
    const all = await lettersTo('sre@acme.example');
    return all.length > 0 && all;
  }, 'the email');
  expect(letter).toMatch(/^Subject: Shadow mode: \d+ incidents?, 0 services are ready for promotion$/m);
  await seen(async () => (await channel('automation')).includes('in shadow mode'), 'the message');
  const wanted = { service: 'checkout', environment: 'production', title: 'Refunds fail', severity: 'critical' };
  await firebreak.post('/v1/incidents', wanted);
  // A status update of a later round, which skipped receivers that already got the report.
  await seen(async () => (await lettersTo('cto@acme.example')).some((one) => one.includes('Refunds fail')), 'news');
  expect(await lettersTo('sre@acme.example')).toHaveLength(1);
});
