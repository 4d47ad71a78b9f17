import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { alert, group, minutesAgo } from '../support/alerts.ts';
import { eventually, Firebreak } from '../support/firebreak.ts';

/**
 * Invitations to the channel of an incident, tested from outside. Ada, then Grace, are on call at the sandbox's PagerDuty.
 */

const PEOPLE = {
  people: {
    ada: { name: 'Ada', pagerduty: 'PADA001', email: 'ada@example.com' },
    bob: { name: 'Bob', slack: 'U0BOB00001' },
    carol: { name: 'Carol', slack: 'UGONE00001' },
  },
  onCall: { payments: { escalationPolicy: 'PPAYMENTS' } },
};

const names = ['checkout', 'search', 'cart', 'billing'];
let firebreak: Firebreak;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    services: Object.fromEntries(names.map((name) => [name, { team: 'payments', environments: { [name]: {} } }])),
    configFiles: { 'people.yaml': stringify(PEOPLE) },
    timeScale: 60,
  });
});
afterAll(() => firebreak?.remove());
const noFaults = (): Promise<unknown> => firebreak.put('/sandbox/faults', []);
beforeEach(noFaults);

const fault = (path: string, body: object): Promise<unknown> =>
  firebreak.put('/sandbox/faults', { vendor: 'slack', fault: { kind: 'status', status: 200, body }, match: { path } });

/** Declares an incident of the service, in its own environment. */
async function incidentOf(service: string): Promise<{ id: string }> {
  const firing = alert({ labels: { service, environment: service }, fingerprint: service, startsAt: minutesAgo(1) });
  await firebreak.post('/v1/alerts/alertmanager', group([firing]));
  return eventually(
    async () => (await firebreak.get(`/v1/incidents?service=${service}`)).body.items[0],
    `an incident of ${service}`,
  );
}

async function channelOf(id: string): Promise<any> {
  const { channel } = (await firebreak.get(`/v1/incidents/${id}`)).body;
  return channel && (await firebreak.get(`/sandbox/slack/channels/${channel.slice(1)}`)).body;
}

const members = (id: string, expected: string[]): Promise<unknown> =>
  eventually(
    async () => {
      expect((await channelOf(id))?.members).toEqual(expected);
      return true;
    },
    `${expected.join(', ')} in the channel`,
  );

const refused = async (id: string): Promise<string[]> =>
  (await firebreak.get(`/v1/incidents/${id}/timeline?limit=200`)).body.items
    .filter(({ kind }: any) => kind === 'slack.refused')
    .map(({ text }: any) => text);

const invitations = async (): Promise<any[]> =>
  (await firebreak.calls('slack')).filter(({ path }) => path === '/api/conversations.invite');

test('on-call responders and people with a role are invited once', async () => {
  const { id } = await incidentOf('checkout');
  await members(id, ['ada', 'firebreak']);
  // Invited people get the summary like others who join later.
  await eventually(async () => {
    const { ephemerals } = await channelOf(id);
    return ephemerals.some(({ user, text }: any) => user === 'U024BE7LH' && text.includes('What happened so far'));
  }, 'what happened so far');
  await firebreak.post(`/v1/incidents/${id}/roles`, { do: 'assign', role: 'commander', to: 'bob' });
  await members(id, ['ada', 'bob', 'firebreak']);
  await firebreak.post(`/v1/incidents/${id}/updates`, { text: 'Going on' });
  await eventually(async () => JSON.stringify(await channelOf(id)).includes('Going on'), 'the update');
  const asked = (await invitations()).map(({ body }) => new URLSearchParams(body).get('users') ?? body.users);
  expect(asked).toEqual(['U024BE7LH', 'U0BOB00001']);
  expect(await refused(id)).toEqual([]);
});

test('a person unknown to Slack does not block others, and is reported once', async () => {
  const { id } = await incidentOf('search');
  await members(id, ['ada', 'firebreak']);
  await firebreak.post(`/v1/incidents/${id}/roles`, { do: 'assign', role: 'commander', to: 'carol' });
  await firebreak.post(`/v1/incidents/${id}/roles`, { do: 'assign', role: 'scribe', to: 'bob' });
  await members(id, ['ada', 'bob', 'firebreak']);
  await eventually(async () => (await refused(id)).length > 0, 'the timeline entry');
  expect(await refused(id)).toEqual([
    'Carol could not be invited to the channel: Slack does not know their ID in people.yaml',
  ]);
});

test('an app without permission to invite reports it, and everything else works', async () => {
  const missing = { ok: false, error: 'missing_scope', needed: 'channels:manage', provided: 'chat:write' };
  await fault('/api/conversations.invite', missing);
  const { id } = await incidentOf('cart');
  await eventually(async () => (await refused(id)).length > 0, 'the timeline entry');
  expect(await refused(id)).toEqual([expect.stringMatching(/^Slack refused the invitations: .*missing_scope/)]);
  await members(id, ['firebreak']);
  expect((await channelOf(id)).pinned).toHaveLength(1);
  await noFaults();
  await members(id, ['ada', 'firebreak']);
});

test('people get a direct message if there is no channel', async () => {
  await fault('/api/conversations.create', { ok: false, error: 'restricted_action' });
  const { id } = await incidentOf('billing');
  const letters = async (): Promise<string[]> =>
    (await firebreak.calls('slack'))
      .filter(({ path }) => path === '/api/chat.postMessage')
      .map(({ body }) => (typeof body === 'string' ? body : JSON.stringify(body)))
      .filter((body) => body.includes('U024BE7LH') && body.includes(id));
  await eventually(async () => (await letters()).length > 0, 'a direct message to Ada');
  expect(decodeURIComponent((await letters())[0] ?? '').replaceAll('+', ' ')).toContain(
    'You are needed because you are on call for payments. It has no channel',
  );
  expect(await letters()).toHaveLength(1);
});
