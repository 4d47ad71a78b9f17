import { afterAll, beforeAll, expect, test } from 'vitest';
import { alert, group, minutesAgo } from '../support/alerts.ts';
import { ALL_PLANTED, leaksIn, PLANTED } from '../support/credentials.ts';
import { eventually, Firebreak } from '../support/firebreak.ts';

/*
 * Credentials that others wrote into alerts, commits, notes, and reasons: none of them leaves the process. The stand-ins
 * record everything that is sent.
 */

const AT = { service: 'checkout', environment: 'production' };

let firebreak: Firebreak;
let incident: any;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    services: {
      checkout: {
        team: 'payments',
        slack: { channel: '#payments' },
        statusPage: { components: ['Checkout'], publish: 'auto' },
        environments: {
          production: {
            deployer: { kind: 'http' },
            autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 1440 },
          },
        },
      },
    },
    env: { LOG_LEVEL: 'debug', FIREBREAK_PUBLIC_URL: 'https://firebreak.example.com' },
    timeScale: 120,
  });
  for (const [version, begun, ended] of [
    ['v1', 240, 235],
    ['v2', 8, 5],
  ] as const)
    await firebreak.post('/v1/deployments', {
      ...AT,
      version,
      author: 'ada',
      started_at: minutesAgo(begun),
      finished_at: minutesAgo(ended),
      url: PLANTED['token of a query']?.text,
    });
  // A vendor limits texts, so each credential has an alert of its own.
  const alerts = Object.values(PLANTED).map(({ text }, n) =>
    alert({
      labels: { ...AT, alertname: `Errors ${text}`, db_password: text, note: text, action: 'auto-rollback' },
      annotations: {
        summary: `Fails with ${text}`,
        description: `It said (${text}) before`,
        runbook_url: 'https://runbooks.example.com/checkout?token=hunter2-in-a-link',
      },
      startsAt: minutesAgo(1),
      fingerprint: `planted-${n}`,
    }),
  );
  expect((await firebreak.post('/v1/alerts/alertmanager', group(alerts))).status).toBe(202);
  incident = await eventually(
    async () =>
      (await firebreak.get('/v1/incidents?service=checkout')).body.items.find(({ decisions }: any) =>
        decisions.some(({ state }: any) => state === 'waiting'),
      ),
    'a question',
  );
});
afterAll(() => firebreak?.remove());

const act = (action: string, body?: object) => firebreak.post(`/v1/incidents/${incident.id}/actions/${action}`, body);

let link: string;

const NAMES = Object.keys(PLANTED);

test('no credential is in what vendors get, in the log, or in what is exported', async () => {
  expect((await firebreak.post(`/v1/incidents/${incident.id}/timeline`, { text: `Tried ${ALL_PLANTED}` })).status).toBe(
    201,
  );
  await firebreak.post('/v1/freezes', { ...AT, reason: `Until ${ALL_PLANTED} is rotated`.slice(0, 900) });
  await act('update', { text: `We rotate ${PLANTED['password']?.text}` });
  // Once the question is answered, no page needs a link to it.
  link = await eventually(async () => {
    const { body: calls } = await firebreak.get('/sandbox/calls?vendor=pagerduty&limit=10000');
    return /\/console\/approve\/[0-9A-Z]{26}-\d+\.\d+\.[\w-]+/.exec(JSON.stringify(calls))?.[0];
  }, 'the link to the question in a page');
  const { body: found } = await firebreak.get(`/v1/incidents/${incident.id}`);
  const digest = found.decisions.findLast(({ state }: any) => state === 'waiting')?.digest;
  expect((await act('approve', { digest, note: `With ${PLANTED['password']?.text}` })).status).toBe(200);
  await eventually(async () => (await firebreak.calls('cd')).find(({ method }) => method === 'POST'), 'the rollback');
  await eventually(
    async () => (await firebreak.get(`/v1/incidents/${incident.id}`)).body.status === 'mitigated',
    'the mitigation',
  );
  expect((await act('resolve', { note: ALL_PLANTED })).status).toBe(202);
  const path = `/v1/incidents/${incident.id}`;
  const draft = await eventually(async () => {
    const { body } = await firebreak.get(`${path}/postmortem`);
    return body.revision > 0 ? body : undefined;
  }, 'the draft of the post-mortem');
  await firebreak.put(`${path}/postmortem`, {
    markdown: `${draft.markdown}\n\n${ALL_PLANTED}\n`,
    revision: draft.revision,
  });

  // The record inside is as it was received.
  expect(leaksIn(JSON.stringify((await firebreak.get(`${path}/timeline?limit=200`)).body))).toEqual(NAMES);

  for (const exported of ['recording', 'postmortem'])
    expect([exported, leaksIn(JSON.stringify((await firebreak.get(`${path}/${exported}`)).body))]).toEqual([
      exported,
      [],
    ]);
  for (const exported of ['/v1/recordings', '/console/digest']) {
    const text = JSON.stringify((await firebreak.get(exported)).body);
    expect([exported, leaksIn(text), text.includes('REDACTED')]).toEqual([exported, [], true]);
  }
  for (const page of ['/status', '/status.json', '/status.rss'])
    expect([page, leaksIn(JSON.stringify((await firebreak.get(page)).body))]).toEqual([page, []]);
  const { body: effects } = await firebreak.get(path);
  for (const { detail } of effects.effects.filter(({ kind }: any) => kind === 'evidence'))
    expect(leaksIn(String(detail))).toEqual([]);

  const { body: calls } = await firebreak.get('/sandbox/calls?limit=10000');
  const vendors = new Set(calls.items.map(({ vendor }: any) => vendor));
  expect([...vendors]).toEqual(expect.arrayContaining(['slack', 'pagerduty', 'cd']));
  for (const call of calls.items)
    expect([call.vendor, call.path, leaksIn(JSON.stringify(call))]).toEqual([call.vendor, call.path, []]);
  const shown = calls.items.map((call: any) => JSON.stringify(call)).join('\n');
  expect(shown).toContain('REDACTED');
  expect(shown).not.toContain('hunter2');
  expect(firebreak.output).not.toContain('hunter2');
  expect(leaksIn(firebreak.output)).toEqual([]);
});

test('links that Firebreak signs stay whole, and work', async () => {
  expect(link).toMatch(/\.[\w-]{43}$/);
  const page = await firebreak.request('GET', link, undefined, { accept: 'text/html' });
  expect([page.status, String(page.body)]).toEqual([
    200,
    expect.stringContaining('Roll checkout in production back from v2 to v1'),
  ]);
});
