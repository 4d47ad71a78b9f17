import { purposeOf } from '../../../vendors/slack/projector/channel.ts';
import { LinksFile } from '../../../schemas/links/links.ts';
import { describe, expect, test } from 'vitest';
import { ServicesFile } from '../../../schemas/config/config.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { type Fault, WELL } from './faults.ts';
import type { Fact, Step } from './history.ts';
import { expectShown, INCIDENT, play, type Scenario, type SlackWorld, slackWorld, SUBJECT } from './slack-world.ts';
import { NO_TROUBLE, points } from './trouble.ts';
import { START } from './world.ts';

/* What has gone wrong once, each by the least that it takes. */

const SECOND = 1000;

const step = (fact: Fact, after: number, more: Partial<Step> = {}): Step => ({
  fact,
  after,
  late: 0,
  marks: [0],
  ...more,
});
const resolved = (after: number): Step => step({ kind: 'resolved' }, after);
const note = (after: number, more?: Partial<Step>): Step => step({ kind: 'note' }, after, more);

const scenario = (faults: readonly Fault[], more: Partial<Scenario> = {}): Omit<Scenario, 'history'> => ({
  archiveAfterHours: 'never',
  taken: 0,
  trouble: { ...NO_TROUBLE, faults },
  ...more,
});
const forbidden = (...methods: string[]): Partial<Scenario> => ({ trouble: { ...NO_TROUBLE, forbidden: methods } });

const unclear = (at: number): Fault => ({ kind: 'unclear', at });

test('a summary whose answer was lost shows the current state', async () => {
  const slack = slackWorld(scenario([WELL, unclear(0)]));
  await play(slack, [step({ kind: 'decided' }, SECOND), resolved(SECOND)]);
  await expectShown(slack);
});

test('a message whose answer was lost, and which Slack posts late, is not posted again', async () => {
  for (const late of [20, 60]) {
    const slack = slackWorld(scenario([WELL, WELL, WELL, unclear(late * SECOND)]));
    await play(slack, [note(SECOND), resolved(100 * SECOND)]);
    expect(slack.world.calls[3]).toMatch(/^post .*entry/);
    await expectShown(slack);
  }
});

test.each([
  ['before it has a channel gets none', SECOND, 0],
  ['after it got a channel keeps that', 100 * SECOND, 1],
])('a flap that is over %s', async (_what, after, channels) => {
  const slack = slackWorld(scenario([]));
  const { noted: _, ...incident } = slack.world.incidents.now(INCIDENT);
  slack.world.incidents.set(INCIDENT, { ...incident, recovered_at: plusSeconds(START, 3) });
  await play(slack, [resolved(after)]);
  expect(slack.chat.channels.filter(({ isOwn, name }) => isOwn && name.startsWith('incident-'))).toHaveLength(channels);
});

test.each([
  ['no channel by default', {}, 0],
  ['a channel if that is configured', { channel: true }, 1],
])('an incident in shadow mode has %s, and a line in the channel of its team', async (_what, shadow, channels) => {
  const slack = slackWorld(scenario([]));
  const { services } = ServicesFile.parse({
    services: { checkout: { slack: { channel: '#team-checkout' }, environments: { production: { shadow } } } },
  });
  Object.assign(slack.config.services, services);
  await play(slack, [resolved(SECOND)]);
  expect(slack.chat.channels.filter(({ name }) => name.startsWith('incident-'))).toHaveLength(channels);
  expect(slack.chat.channels.find(({ name }) => name === 'team-checkout')?.messages).toHaveLength(1);
});

test('a mode that is raised opens no channel for an incident that ended on trial', async () => {
  const slack = slackWorld(scenario([]));
  const withMode = (mode: string) =>
    Object.assign(
      slack.config.services,
      ServicesFile.parse({
        services: { checkout: { environments: { production: { shadow: {}, autoRollback: { mode } } } } },
      }).services,
    );
  withMode('shadow');
  await play(slack, [resolved(SECOND)]);
  withMode('act');
  await play(slack, [note(2 * SECOND), note(3 * SECOND)]);
  expect(slack.chat.channels.filter(({ name }) => name.startsWith('incident-'))).toEqual([]);
});

test('the channel of an incident has the links of the configuration as bookmarks', async () => {
  const slack = slackWorld(scenario([]));
  const url = 'https://logs.test/?q=${{ service }}&to=${{ to.ms }}';
  Object.assign(slack.config, { links: LinksFile.parse({ links: [{ title: 'Our logs', kind: 'url', url }] }) });
  await play(slack, [resolved(SECOND)]);
  const [channel] = slack.chat.channels.filter(({ name }) => name.startsWith('incident-'));
  const { resolved_at } = slack.world.incidents.now(INCIDENT);
  const to = Date.parse(resolved_at ?? '') + 5 * 60 * SECOND;
  expect(channel?.bookmarks).toContainEqual({ title: 'Our logs', url: `https://logs.test/?q=checkout&to=${to}` });
});

test('an edit that is executed late does not overwrite a newer one', async () => {
  // The channel, its summary, pin, two lines, purpose, topic, and bookmarks; then the edit.
  const slack = slackWorld(scenario([...Array.from({ length: 8 }, () => WELL), unclear(40 * SECOND)]));
  await play(slack, [step({ kind: 'severity', to: 'warning' }, 60 * SECOND), resolved(5 * SECOND)]);
  expect(slack.world.calls[8]).toMatch(/^edit /);
  await expectShown(slack);
});

test('a refused message is retried at intervals, and reported once on the timeline', async () => {
  const slack = slackWorld(scenario([], forbidden('post')));
  await play(slack, [note(SECOND)], 1);
  const posts = slack.world.calls.filter((call) => call.startsWith('post '));
  expect(posts.length).toBeLessThan(400);
  const told = slack.world.incidents.of(INCIDENT).timeline.filter(({ entry }) => entry.kind === 'slack.refused');
  expect(told.map(({ entry }) => entry.text)).toEqual([
    'Slack refused the summary: missing_scope',
    'Slack refused the message: missing_scope',
  ]);
});

test('a name that belongs to another channel is skipped, despite the rate limit of the channel list', async () => {
  const slack = slackWorld(scenario([], { taken: 2 }));
  let lists = 0;
  slack.world.vendorIs((method) => {
    lists += Number(method === 'channelNames');
    return method === 'channelNames' && lists <= 2 ? { kind: 'later', seconds: 1 } : WELL;
  });
  await play(slack, [resolved(SECOND)]);
  await expectShown(slack);
});

test('a refused list of channels is retried', async () => {
  const slack = slackWorld(scenario([WELL, { kind: 'refused' }], { taken: 1 }));
  await play(slack, [resolved(SECOND)]);
  await expectShown(slack);
});

test('the line of an incident that joined a parent is kept up to date', async () => {
  const slack = slackWorld(scenario([]));
  await play(slack, [step({ kind: 'joined parent' }, 60 * SECOND), resolved(SECOND)]);
  await expectShown(slack);
});

test('an incident that joins a parent while it waits for the rate limit gets no channel', async () => {
  const slack = slackWorld(scenario([{ kind: 'later', seconds: 90 }]));
  slack.world.incidents.begin(OTHER, {});
  slack.world.mark(`incident:${OTHER}`);
  await slack.world.run(0.001, true);
  await play(slack, [step({ kind: 'joined parent' }, 10 * SECOND), resolved(SECOND)]);
  expect(slack.chat.channels.filter(({ isOwn }) => isOwn).map(({ purpose }) => purpose)).toEqual([
    `Firebreak incident ${OTHER}`,
  ]);
});

test('an incident that leaves its parent gets its own channel', async () => {
  const slack = slackWorld(scenario([{ kind: 'later', seconds: 90 }]));
  slack.world.incidents.begin(OTHER, {});
  slack.world.mark(`incident:${OTHER}`);
  await slack.world.run(0.001, true);
  await play(slack, [step({ kind: 'joined parent' }, 10 * SECOND), step({ kind: 'left parent' }, 300 * SECOND)]);
  const own = slack.chat.channels.find(({ purpose }) => purpose === `Firebreak incident ${INCIDENT}`);
  expect(own?.pinned).toHaveLength(1);
  expect(JSON.stringify(own?.messages)).toContain('incident.left');
});

const OTHER = '01TEST00000000000000000002' as typeof INCIDENT;

test('a refused pin or bookmark delays neither the rest nor archiving', async () => {
  const slack = slackWorld(scenario([], { ...forbidden('pin', 'setBookmarks', 'setPurpose'), archiveAfterHours: 26 }));
  await play(slack, [note(SECOND), resolved(SECOND)], 53);
  const [channel] = slack.chat.channels.filter(({ isOwn }) => isOwn);
  expect(channel).toMatchObject({ archived: true, topic: [expect.stringContaining('resolved')] });
  expect(channel?.messages).toHaveLength(3);
});

test.each([
  ['is set', WELL],
  ['is missing, and everything else is complete', { kind: 'refused' } as const],
])('a topic that was refused, and retried when archiving was due, %s', async (_, last) => {
  // The topic is delayed by a minute and then refused. Its retry a minute later is when archiving is due.
  const heldUp: Fault[] = [WELL, { kind: 'later', seconds: null }, { kind: 'dies', at: null }];
  const summaryToPurpose = Array.from({ length: 6 }, () => WELL);
  const faults: Fault[] = [...heldUp, ...summaryToPurpose, { kind: 'refused' }, WELL, last];
  const slack = slackWorld(scenario(faults, { archiveAfterHours: 0 }));
  await play(slack, [resolved(1)]);
  expect(slack.world.calls.filter((_call, n) => n === 9 || n === 11)).toEqual([
    expect.stringMatching(/^setTopic /),
    expect.stringMatching(/^setTopic /),
  ]);
  await expectShown(slack);
  const [channel] = slack.chat.channels.filter(({ isOwn }) => isOwn);
  expect(channel).toMatchObject({ archived: true, topic: last.kind === 'refused' ? [] : [expect.any(String)] });
});

test('a topic that is refused after an unclear attempt is retried as rarely as any other', async () => {
  const slack = slackWorld(scenario([], { archiveAfterHours: 1 }));
  let tried = 0;
  slack.world.vendorIs((method) => {
    if (method !== 'setTopic') return WELL;
    tried += 1;
    return tried === 1 ? { kind: 'unclear', at: null } : { kind: 'refused' };
  });
  await play(slack, [resolved(SECOND)], 2);
  expect(tried).toBeLessThan(100);
  await expectShown(slack);
});

test('a permanent refusal is not retried forever', async () => {
  const slack = slackWorld(scenario([], forbidden('pin', 'setTopic')));
  await play(slack, [resolved(SECOND)], 26);
  expect(await slack.world.projections.waiting('slack')).toBe(0);
});

test('an entry right after the end is posted before the channel is archived', async () => {
  const slack = slackWorld(scenario([], { archiveAfterHours: 0 }));
  await play(slack, [resolved(SECOND), note(90 * SECOND, { late: 80 })]);
  await expectShown(slack);
});

test('a channel that people archive is not changed, but the line of the team is updated', async () => {
  const slack = slackWorld(scenario([]));
  slack.world.expect(60 * SECOND, () => {
    for (const channel of slack.chat.channels.filter(({ isOwn }) => isOwn)) channel.archived = true;
  });
  await play(slack, [note(120 * SECOND), resolved(SECOND)]);
  const team = slack.chat.channels.find(({ name }) => name === 'team-checkout');
  expect(team?.messages.map(({ message }) => message.summary)).toEqual([expect.stringContaining('(resolved)')]);
  expect(await slack.world.callsWhenMarked(SUBJECT)).toEqual([]);
});

test('more entries than a page has, within a minute, are all posted, in order', async () => {
  const slack = slackWorld(scenario([]), 100);
  for (let n = 0; n < 130; n += 1)
    slack.world.expect(n * 250, () => slack.world.incidents.write(INCIDENT, `entry ${n}`, { kind: 'note' }));
  await play(slack, [resolved(40 * SECOND)]);
  await expectShown(slack);
});

test('a projector that hangs until its lease expires does not overwrite what another one has written', async () => {
  // It hangs in the renewal itself: the lease counts from the time of the request.
  for (const at of points(120)) {
    const interruptions = new Map([[at, { kind: 'hangs' as const, seconds: 20 }]]);
    const slack = slackWorld({ ...scenario([]), trouble: { ...NO_TROUBLE, twice: true, interruptions } });
    await play(slack, [note(5 * SECOND), note(12 * SECOND), resolved(SECOND)]);
    await expectShown(slack);
    expect(await slack.world.callsWhenMarked(SUBJECT)).toEqual([]);
  }
});

test('a process that dies at any point causes neither gaps nor duplicates', async () => {
  for (const at of points(120)) {
    const interruptions = new Map([[at, { kind: 'dies' as const }]]);
    const slack = slackWorld({ ...scenario([]), trouble: { ...NO_TROUBLE, interruptions } });
    await play(slack, [note(SECOND), resolved(SECOND)]);
    await expectShown(slack);
  }
});

test('after ten minutes of downtime of Slack, everything is complete, without duplicates', async () => {
  const slack = slackWorld(scenario([], { archiveAfterHours: 1 }));
  slack.world.vendorIs((method) => (slack.world.clock.now() < BACK ? outage(method) : WELL));
  await play(slack, [
    step({ kind: 'paged' }, SECOND),
    step({ kind: 'decided' }, 30 * SECOND),
    step({ kind: 'rollback started' }, SECOND),
    step({ kind: 'rollback ended', well: true }, 90 * SECOND),
    resolved(400 * SECOND),
  ]);
  await expectShown(slack);
});

const BACK = plusSeconds(START, 600);
/** Some calls are executed, but their answer is lost. */
const outage = (method: string): Fault => ({ kind: 'unclear', at: method === 'post' ? 30 * SECOND : null });

describe('people', () => {
  const withTeam = (faults: readonly Fault[] = [], more: Partial<Scenario> = {}) =>
    scenario(faults, { team: true, ...more });
  const takes = (by: string, after: number): Step => step({ kind: 'role taken', by }, after);
  const channelOf = ({ chat }: SlackWorld) => chat.channels.find(({ name }) => name.startsWith('incident-'));
  const membersOf = (slack: SlackWorld): string[] => channelOf(slack)?.members.toSorted() ?? [];
  const refusedOnTimeline = ({ world }: SlackWorld): string[] =>
    world.incidents.of(INCIDENT).timeline.flatMap(({ entry }) => (entry.kind === 'slack.refused' ? [entry.text] : []));
  const count = ({ world }: SlackWorld, method: string): number =>
    world.calls.filter((call) => call.startsWith(`${method} `)).length;
  const lettersTo = ({ chat }: SlackWorld, user: string): string[] =>
    chat.channels.flatMap(({ name, messages }) =>
      name === `with ${user}` ? messages.map(({ message }) => JSON.stringify(message)) : [],
    );

  test('on the first on-call level are invited, by email address if there is no ID', async () => {
    const slack = slackWorld(withTeam());
    await play(slack, [note(SECOND)]);
    await expectShown(slack);
    expect(membersOf(slack)).toEqual(['UADA', 'UKIM']);
    expect([count(slack, 'now'), count(slack, 'userByEmail'), count(slack, 'invite')]).toEqual([1, 1, 1]);
  });

  test('who are on call for a later page are invited, too', async () => {
    const slack = slackWorld(withTeam());
    const [ada] = slack.people.onCall;
    slack.people.onCall.splice(0, 2);
    slack.world.expect(60 * SECOND, () => {
      if (ada !== undefined) slack.people.onCall.unshift(ada);
      const { incidents } = slack.world;
      incidents.set(INCIDENT, { ...incidents.now(INCIDENT), pages: 2 });
    });
    await play(slack, [note(120 * SECOND)]);
    expect(membersOf(slack)).toEqual(['UADA']);
    expect(refusedOnTimeline(slack)).toEqual([
      'Sam could not be invited to the channel: no Slack user matches their ID in people.yaml or their email address',
    ]);
  });

  test('who take a role or act later are invited once, and not again after they leave', async () => {
    const slack = slackWorld(withTeam());
    slack.people.onCall.length = 0;
    slack.world.expect(30 * SECOND, () => channelOf(slack)?.members.splice(0));
    await play(slack, [takes('kim', SECOND), takes('ada', 60 * SECOND), takes('kim', SECOND)]);
    expect(membersOf(slack)).toEqual(['UADA']);
  });

  test('whose invitation is refused do not block others, are reported once, and get a direct message', async () => {
    const slack = slackWorld(withTeam());
    await play(slack, [takes('gus', SECOND), note(60 * SECOND), note(60 * SECOND)]);
    await expectShown(slack);
    expect(membersOf(slack)).toEqual(['UADA', 'UKIM']);
    expect(refusedOnTimeline(slack)).toEqual([
      'gus could not be invited to the channel: they are a guest, and the app cannot invite guests',
    ]);
    expect(lettersTo(slack, 'UGUEST')).toEqual([expect.stringContaining('You are needed as commander.')]);
  });

  test('are not invited while the pager does not answer, which delays nothing else in Slack', async () => {
    const slack = slackWorld(withTeam());
    let requested = 0;
    slack.world.vendorIs((method) => {
      requested += Number(method === 'now');
      return method === 'now' && requested <= 5 ? { kind: 'unclear', at: null } : WELL;
    });
    await play(slack, [note(SECOND), note(20 * SECOND)], 0.02);
    expect(channelOf(slack)?.messages).toHaveLength(3);
    expect(membersOf(slack)).toEqual([]);
    await slack.world.run(1);
    expect(membersOf(slack)).toEqual(['UADA', 'UKIM']);
  });

  test('whose invitations all are refused are reported once, and invited again at intervals', async () => {
    const slack = slackWorld(withTeam([], forbidden('invite')));
    await play(slack, [takes('ada', SECOND)], 1);
    expect(refusedOnTimeline(slack)).toEqual(['Slack refused the invitations: missing_scope']);
    expect(count(slack, 'invite')).toBeGreaterThan(30);
    expect(count(slack, 'invite')).toBeLessThan(100);
  });

  test('get one direct message if Slack refuses the channel', async () => {
    const slack = slackWorld(withTeam([], forbidden('createChannel')));
    await play(slack, [note(SECOND)], 1);
    for (const user of ['UADA', 'UKIM'])
      expect(lettersTo(slack, user)).toEqual([
        expect.stringContaining('You are needed because you are on call for payments. It has no channel'),
      ]);
  });

  test('are not invited to a resolved incident', async () => {
    const slack = slackWorld(withTeam());
    slack.world.vendorIs((method) => (method === 'now' ? { kind: 'later', seconds: 600 } : WELL));
    await play(slack, [resolved(60 * SECOND)]);
    slack.world.vendorIs(() => WELL);
    await slack.world.callsWhenMarked(SUBJECT);
    expect(membersOf(slack)).toEqual([]);
  });

  test('who were assigned command are mentioned after they were invited', async () => {
    const slack = slackWorld(withTeam());
    const { incidents } = slack.world;
    slack.world.expect(SECOND, () => {
      const at = slack.world.clock.now();
      incidents.set(INCIDENT, {
        ...incidents.now(INCIDENT),
        roles: { commander: { name: 'kim', shown: 'Kim', slack: null, at } },
      });
      const given = { kind: 'role.assigned', text: 'Kim has command', detail: { role: 'commander', to: 'kim' } };
      incidents.write(INCIDENT, 'given', given);
    });
    await play(slack, [note(2 * SECOND)]);
    const reply = channelOf(slack)?.messages.find(({ key }) => key.endsWith('#given'))?.message;
    expect(reply?.parts[0]).toEqual({ kind: 'text', text: ['👤 ', { user: 'UKIM' }, ' ', 'Kim has command'] });
    const order = slack.world.calls.map((call) => call.split(' ')[0]);
    const told = slack.world.calls.findIndex((call) => call.startsWith('post ') && call.includes('#given'));
    expect(order.indexOf('invite')).toBeLessThan(told);
  });
});

test('the purpose of a channel names the incident by its number, and still identifies it', () => {
  const other = { id: INCIDENT, number: 42 };
  expect(purposeOf(other)).toBe(`INC-42 · Firebreak incident ${INCIDENT}`);
  expect(purposeOf({ ...other, id: OTHER })).not.toBe(purposeOf(other));
});
