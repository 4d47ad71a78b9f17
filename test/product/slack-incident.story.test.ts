import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { alert, group, minutesAgo } from '../support/alerts.ts';
import { eventually, Firebreak } from '../support/firebreak.ts';

/**
 * An entire incident that people run from Slack. The tests use the API only to read state and to send alerts.
 */

const ASKING = {
  deployer: { kind: 'http' },
  autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 1440 },
};

const PEOPLE = {
  people: {
    ada: { name: 'Ada', slack: 'U024BE7LH' },
    bob: { name: 'Bob', email: 'bob@example.com' },
    grace: { name: 'Grace', slack: 'U0GRACE001', roles: ['viewer'] },
  },
  everyone: 'nobody',
};

const names = new Map([
  ['U024BE7LH', 'ada'],
  ['U0BOB00001', 'bob'],
  ['U0GRACE001', 'grace'],
]);

let firebreak: Firebreak;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    services: { checkout: { environments: { production: ASKING } }, search: { environments: { production: {} } } },
    configFiles: { 'people.yaml': stringify(PEOPLE) },
    timeScale: 60,
  });
});
afterAll(() => firebreak?.remove());

/** Performs an action of a user in the Slack stand-in. */
async function does(user: string, what: string, body: object): Promise<any> {
  const { status, body: answer } = await firebreak.post(`/sandbox/slack/${what}`, { user, ...body });
  expect([status, answer.detail]).toEqual([expect.toBeOneOf([200, 201]), undefined]);
  return answer;
}

const incidents = async (): Promise<any[]> => (await firebreak.get('/v1/incidents')).body.items;

const timeline = async (id: string): Promise<string[]> =>
  (await firebreak.get(`/v1/incidents/${id}/timeline?limit=200`)).body.items
    .toReversed()
    .map(({ actor, text }: any) => `${actor}: ${text}`);

const channelNamed = async (name: string): Promise<any> =>
  (await firebreak.get(`/sandbox/slack/channels/${name}`)).body;

/** Returns the ephemeral messages of a channel. */
const whispered = async (name: string): Promise<string> => JSON.stringify((await channelNamed(name)).ephemerals ?? []);

const told = (name: string, words: string): Promise<unknown> =>
  eventually(async () => (await whispered(name)).includes(words), `the message: ${words}`);

/** Returns a button of the pinned message. */
async function button(name: string, verb: string): Promise<{ channel: string; ts: string; action_id: string }> {
  return eventually(async () => {
    const { messages, pinned } = await channelNamed(name);
    const summary = messages.find(({ ts }: any) => pinned.includes(ts));
    const found = JSON.stringify(summary?.blocks ?? []).includes(`firebreak:${verb}`);
    return found && { channel: name, ts: summary.ts, action_id: `firebreak:${verb}` };
  }, `a button ${verb}`);
}

const rollbacks = async (): Promise<any[]> => (await firebreak.calls('cd')).filter(({ method }) => method === 'POST');

async function deployed(version: string, begun: number, ended: number): Promise<void> {
  const times = { started_at: minutesAgo(begun), finished_at: minutesAgo(ended) };
  await firebreak.post('/v1/deployments', { service: 'checkout', environment: 'production', version, ...times });
}

test('people declare, approve, hand over, and resolve from Slack', async () => {
  await deployed('v1', 240, 235);
  await deployed('v2', 8, 5);

  // Ada declares the incident with the shortcut. Grace has read permission only.
  const opened = await does('ada', 'shortcuts', { callback_id: 'declare_incident' });
  const values = {
    summary: { summary: 'Checkout is down' },
    service: { service: 'checkout' },
    environment: { environment: 'production' },
    severity: { severity: 'critical' },
  };
  const submitted = await does('ada', `views/${opened.modal.id}/submit`, { values });
  expect(submitted.modal).toBeNull();
  const { id, channel } = await eventually(async () => {
    const [one] = await incidents();
    return one?.channel && one;
  }, 'the incident with its channel');
  const name: string = channel.slice(1);

  const isPaged = ({ kind, state }: any) => kind === 'page' && state === 'succeeded';
  await eventually(async () => (await incidents())[0].effects.some(isPaged), 'the page to Ada');
  // Ada takes command. A double click has no other effect.
  const take = await button(name, 'take_command');
  await Promise.all([does('ada', 'actions', take), does('ada', 'actions', take)]);
  await eventually(async () => (await incidents())[0].roles.commander === 'Ada', 'Ada has command');

  // An alert requests a rollback. It requires approval, and Grace lacks permission.
  const firing = alert({
    labels: { service: 'checkout', rollback: 'true' },
    fingerprint: 'one',
    startsAt: minutesAgo(1),
  });
  await firebreak.post('/v1/alerts/alertmanager', group([firing]));
  const approve = await button(name, 'approve');
  await does('grace', 'actions', approve);
  await told(name, "You don't have permission to act on incidents for checkout in production");
  expect(await rollbacks()).toEqual([]);

  // Bob joins, gets the summary, and approves.
  await does('bob', 'actions', approve);
  await told(name, 'What happened so far');
  await eventually(async () => (await incidents())[0].status === 'mitigated', 'the rollback');
  expect(await rollbacks()).toHaveLength(1);
  expect((await rollbacks())[0].body).toMatchObject({ service: 'checkout', from_version: 'v2', to_version: 'v1' });

  // Ada hands over command to Bob, with a summary.
  const handover = await does('ada', 'commands', { channel: name, text: '/incident handover @bob' });
  await does('ada', `views/${handover.modal.id}/submit`, { values: { text: { text: 'Watch the queue' } } });
  await eventually(async () => (await incidents())[0].roles.commander === 'Bob', 'Bob has command');

  // A message is added to the timeline.
  const { ts } = await does('ada', `channels/${name}/messages`, { text: 'the *queue* drains' });
  await does('bob', `channels/${name}/reactions`, { ts, name: 'pushpin' });
  await eventually(async () => (await timeline(id)).some((text) => text.includes('drains')), 'the pinned message');

  // Bob resolves the incident.
  const resolve = await does('bob', 'commands', { channel: name, text: '/incident resolve rolled back' });
  expect(resolve.modal).toBeNull();
  await eventually(async () => (await incidents())[0].status === 'resolved', 'the end');

  const people = (await timeline(id)).filter((entry) => /^(ada|bob|grace):/.test(entry));
  expect(people).toEqual([
    'ada: Opened: Checkout is down',
    'ada: Took the commander role',
    expect.stringMatching(/^bob: Approved/),
    'ada: Handed over command to Bob. Watch the queue',
    'bob: Ada: the *queue* drains',
    'bob: rolled back',
    expect.stringMatching(/^bob: /),
  ]);

  // PagerDuty gets each event once, in this order. The sweeper may send a duplicate, which PagerDuty deduplicates.
  const paged = async () => {
    const events = (await firebreak.calls('pagerduty')).filter(({ path }) => path === '/v2/enqueue');
    return [...new Set(events.map(({ body }) => `${body.event_action} ${body.dedup_key}`))];
  };
  await eventually(async () => (await paged()).length === 3, 'the page is closed');
  expect(await paged()).toEqual(['trigger', 'acknowledge', 'resolve'].map((action) => `${action} ${id}.page.1`));
  const { body: deliveries } = await firebreak.get('/sandbox/slack/deliveries');
  const calls = deliveries.items.toReversed();
  expect(calls.map(({ user, what }: any) => `${names.get(user)} ${what}`)).toEqual([
    'ada shortcut',
    'ada view_submission',
    'ada member_joined_channel',
    'ada block_actions',
    'ada block_actions',
    'grace member_joined_channel',
    'grace block_actions',
    'bob member_joined_channel',
    'bob block_actions',
    'ada /incident',
    'ada view_submission',
    'bob reaction_added',
    'bob /incident',
  ]);
  expect(calls.map(({ status, attempts }: any) => [status, attempts])).toEqual(calls.map(() => [200, 1]));
});

test('a person who declares by a command gets the channel in the answer, and can resolve from another channel', async () => {
  const [elsewhere] = (await firebreak.get('/sandbox/slack/channels')).body.items.map(({ name }: any) => name);
  const opened = await does('ada', 'commands', { channel: elsewhere, text: '/incident declare Search is slow' });
  const values = {
    service: { service: 'search' },
    environment: { environment: 'production' },
    severity: { severity: 'warning' },
  };
  await does('ada', `views/${opened.modal.id}/submit`, { values });
  const { id, channel } = await eventually(async () => {
    const found = (await incidents()).find(({ title }) => title === 'Search is slow');
    return found?.channel && found;
  }, 'the incident with its channel');
  const { id: channelId } = await channelNamed(channel.slice(1));
  await told(elsewhere, `The channel of the incident is <#${channelId}>`);

  // With several open incidents, the dialog asks for the incident.
  const update = await does('ada', 'commands', { channel: elsewhere, text: '/incident update' });
  const known = await does('ada', `views/${update.modal.id}/submit`, {
    values: { incident: { incident: id }, text: { text: 'The index is rebuilt' } },
  });
  expect(known.modal).toBeNull();
  await eventually(async () => (await timeline(id)).includes('ada: The index is rebuilt'), 'the update');
  await does('ada', 'commands', { channel: elsewhere, text: `/incident resolve ${channel} it is over` });
  await eventually(async () => (await firebreak.get(`/v1/incidents/${id}`)).body.status === 'resolved', 'the end');
});
