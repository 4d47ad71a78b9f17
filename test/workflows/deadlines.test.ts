import { expect, test } from 'vitest';
import { acknowledge, leaveRole, takeRole } from '../../core/actions/incidents/acknowledge.ts';
import type { Caller } from '../../core/actions/people/caller.ts';
import { wakeForDeadlines } from '../../workflows/wake.ts';
import { Config } from '../../schemas/config/config.ts';
import { withoutAcknowledgement } from '../../core/domain/paging/acknowledgement.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import type { Message } from '../../schemas/incidents/inbox.ts';
import { secondsBetween } from '../../schemas/time/time.ts';
import { acting, ends, fires, type Moment, play, says, theIncident } from './play.ts';

const ada: Caller = { name: 'ada', allow: () => undefined };

/** Sets `response.yaml`; only what it names is on. */
const responds =
  (response: object): Moment =>
  (world) => {
    const { services } = acting({ autoRollback: { mode: 'shadow' } });
    const off = { acknowledgeMinutes: 'off', commanderMinutes: 'off', updateMinutes: 'off' };
    world.config = Config.parse({ version: 'test', services, paging: {}, response: { triage: off, ...response } });
  };

const escalates = (more: object = {}): Moment => responds({ escalation: { afterMinutes: 10, times: 2, ...more } });

const acknowledges: Moment = (world) => acknowledge(world.deps, ada, { id: theIncident(world) });

/** Plays a story, in which the alert fires at noon. Returns the minutes at which the timeline has entries of a kind. */
async function minutesOf(kind: RegExp, given: Moment, timeline: Record<string, Moment>): Promise<number[]> {
  const { world } = await play({ given: [given], timeline: { '0 s': fires(), ...timeline } });
  return entriesOf(world, kind).map(({ minute }) => minute);
}

function entriesOf(world: FakeWorld, kind: RegExp): { minute: number; text: string }[] {
  const { record, timeline } = world.store.dossier(theIncident(world));
  return timeline
    .filter((entry) => kind.test(entry.kind))
    .map(({ at, text }) => ({ minute: secondsBetween(record.opened_at, at) / 60, text }));
}

const ESCALATED = /^page\.escalated$/;
const REMINDED = /^reminder\./;

test('an unacknowledged page is sent again at its deadlines', async () => {
  const { world } = await play({ given: [escalates()], timeline: { '0 s': fires(), '45 min': ends() } });
  expect(entriesOf(world, ESCALATED)).toEqual([
    { minute: 10, text: 'Page 1 was not acknowledged within 10 minutes (escalation 1 of 2): paging again' },
    { minute: 20, text: 'Page 2 was not acknowledged within 10 minutes (escalation 2 of 2): paging again' },
  ]);
  expect(world.calls.filter((call) => call.includes(' trigger '))).toHaveLength(3);
});

test('a deadline that is no multiple of the interval of the inbox is exact', async () => {
  expect(await minutesOf(ESCALATED, escalates({ afterMinutes: 13 }), { '40 min': ends() })).toEqual([13, 26]);
});

test('nothing happens if the page is acknowledged before', async () => {
  expect(await minutesOf(ESCALATED, escalates(), { '9 min': acknowledges, '40 min': ends() })).toEqual([]);
});

test('nothing happens if the incident is resolved before', async () => {
  expect(await minutesOf(ESCALATED, escalates(), { '9 min': ends() })).toEqual([]);
  expect(await minutesOf(REMINDED, responds({ triage: {} }), { '4 min': ends() })).toEqual([]);
});

test('the configuration at the deadline applies', async () => {
  const off = responds({});
  expect(await minutesOf(ESCALATED, escalates(), { '9 min': off, '40 min': ends() })).toEqual([]);
  expect(
    await minutesOf(ESCALATED, escalates(), { '9 min': escalates({ afterMinutes: 15 }), '24 min': ends() }),
  ).toEqual([15]);
});

test('an escalation that is configured later begins within ten minutes', async () => {
  const [minute] = await minutesOf(ESCALATED, responds({}), { '15 min': escalates(), '40 min': ends() });
  expect(minute).toBe(20);
});

const pagerAnswers =
  (...pages: FakeWorld['pages']): Moment =>
  (world) => {
    world.pages = pages;
    return escalates({ times: 1 })(world);
  };
const DOWN = { kind: 'later', detail: 'answered 503' } as const;
const TAKEN = { kind: 'taken', detail: 'accepted' } as const;

test('a page that the pager accepts after some minutes is escalated at its time', async () => {
  const given = pagerAnswers({ ...DOWN, afterSeconds: 240 }, TAKEN);
  expect(await minutesOf(ESCALATED, given, { '40 min': ends() })).toEqual([10]);
});

test('a page that the pager accepts after its deadline is escalated at once', async () => {
  const given = pagerAnswers({ ...DOWN, afterSeconds: 690 }, TAKEN);
  const [minute] = await minutesOf(ESCALATED, given, { '40 min': ends() });
  expect(minute).toBeGreaterThanOrEqual(11.5);
  expect(minute).toBeLessThan(13);
});

test('a page that is still being sent is not sent again: both would arrive', async () => {
  const given = pagerAnswers({ ...DOWN, afterSeconds: 240 });
  expect(await minutesOf(ESCALATED, given, { '40 min': ends() })).toEqual([]);
});

test('a page that the pager refuses is sent again after a minute, and again until a person is notified', async () => {
  const refused = { kind: 'refused', detail: 'PagerDuty answered 400' } as const;
  const given: Moment = async (world) => {
    await pagerAnswers(refused, refused, TAKEN)(world);
    return escalates({ times: 3 })(world);
  };
  const { world } = await play({ given: [given], timeline: { '0 s': fires(), '20 min': ends() } });
  expect(entriesOf(world, ESCALATED).map(({ minute, text }) => [Math.floor(minute), text])).toEqual([
    [1, 'No pager has accepted page 1 (escalation 1 of 3): paging again'],
    [11, 'No pager has accepted page 2 (escalation 2 of 3): paging again'],
  ]);
  expect(world.calls.filter((call) => call.startsWith('pager '))).toEqual([
    'pager trigger page.1 critical',
    'pager trigger page.2 critical',
    'pager trigger page.3 critical',
    'pager resolve page.3 critical',
  ]);
});

/** A process posts a message and dies before it wakes the workflow. */
const posts =
  (message: Message): Moment =>
  (world) =>
    world.deps.incidents.post(theIncident(world), message);

test('a message that nobody has read yet comes before what is due', async () => {
  const resolved: Record<string, Moment> = { '9 min': posts({ kind: 'resolve', by: 'ada', note: '' }) };
  const { world } = await play({ given: [escalates()], timeline: { '0 s': fires(), ...resolved, '40 min': ends() } });
  expect(entriesOf(world, ESCALATED)).toEqual([]);
  expect(world.calls.filter((call) => call.includes(' trigger '))).toHaveLength(1);
});

test('messages without end do not keep back what is due', async () => {
  const minutes = Object.fromEntries(
    Array.from({ length: 20 }, (_, second): [string, Moment] => [
      `${599 + second} s`,
      posts({ kind: 'severity', severity: 'critical', by: 'ada' }),
    ]),
  );
  const [minute] = await minutesOf(ESCALATED, escalates({ times: 1 }), { ...minutes, '40 min': ends() });
  expect(minute).toBeGreaterThan(10);
  expect(minute).toBeLessThan(10.1);
});

test('a page of a raised severity is escalated', async () => {
  const warning = fires({ labels: { severity: 'warning' } });
  const { world } = await play({
    given: [escalates({ times: 1 })],
    timeline: {
      '0 s': warning,
      '4 min': says({ kind: 'severity', severity: 'critical', by: 'ada' }, { severity: 'critical' }),
      '40 min': ends(),
    },
  });
  expect(entriesOf(world, ESCALATED).map(({ minute }) => minute)).toEqual([14]);
});

test('the time begins again when the pager notifies again', async () => {
  const notifiesAgain: Moment = async (world) => {
    const [id, now] = [theIncident(world), world.clock.now()];
    await world.deps.incidents.amend(id, (incident) => withoutAcknowledgement(incident, 1, now));
    await wakeForDeadlines(world.deps, id);
  };
  expect(
    await minutesOf(ESCALATED, escalates({ times: 1 }), {
      '2 min': acknowledges,
      '13 min': notifiesAgain,
      '40 min': ends(),
    }),
  ).toEqual([23]);
});

test('a fallback pager that is down is tried each minute', async () => {
  const down = { kind: 'later', detail: 'down', afterSeconds: null } as const;
  const given: Moment = (world) => {
    world.fallbackPager = [down, down, { kind: 'taken', detail: 'ok' }];
    return escalates({ how: 'fallback', times: 1 })(world);
  };
  const { world } = await play({ given: [given], timeline: { '0 s': fires(), '40 min': ends() } });
  expect(entriesOf(world, ESCALATED)).toEqual([
    {
      minute: 12,
      text: 'Page 1 was not acknowledged within 10 minutes (escalation 1 of 1): sent by the fallback pager',
    },
  ]);
});

test('people are reminded at the time of each task', async () => {
  const { world } = await play({
    given: [responds({ triage: { times: 2 } })],
    timeline: { '0 s': fires(), '32 min': ends() },
  });
  expect(entriesOf(world, REMINDED).map(({ minute, text }) => [minute, text.replace(/[.:].*/, '')])).toEqual([
    [5, 'This incident is not acknowledged yet'],
    [10, 'Reminder 2'],
    [11, 'This incident has no commander'],
    [21, 'Reminder 2'],
    [30, 'No update since the incident was opened'],
  ]);
});

test('a reminder that is due because a person left a role comes at once', async () => {
  const role = 'commander';
  const given = responds({ triage: { acknowledgeMinutes: 'off', updateMinutes: 'off' } });
  const minutes = await minutesOf(REMINDED, given, {
    '2 min': (world) => takeRole(world.deps, ada, { id: theIncident(world), role }),
    '12 min': (world) => leaveRole(world.deps, ada, { id: theIncident(world), role }),
    '20 min': ends(),
  });
  expect(minutes.map(Math.floor)).toEqual([12]);
});

test('a process that dies at a deadline repeats nothing', async () => {
  for (let checkpoints = 1; checkpoints <= 6; checkpoints += 1) {
    const dies: Moment = (world) => world.engine?.dieAfter(checkpoints);
    const given = responds({ escalation: { afterMinutes: 10, times: 1 }, triage: { times: 1 } });
    const { world } = await play({
      given: [given],
      timeline: { '0 s': fires(), '9 min': dies, '29 min': ends() },
    });
    expect(entriesOf(world, ESCALATED).map(({ minute }) => minute)).toEqual([10]);
    expect(entriesOf(world, REMINDED)).toHaveLength(2);
  }
});

test('the next run takes up the deadlines of a failed one', async () => {
  const fails: Moment = async (world) => {
    const id = theIncident(world);
    world.engine?.kill(id, 1);
    await world.deps.incidents.handOver(id, 2, 'Run 1 of the workflow has failed; run 2 takes over', { failedRuns: 1 });
    await world.engine?.start(id, 2);
  };
  expect(await minutesOf(ESCALATED, escalates({ times: 1 }), { '7 min': fails, '40 min': ends() })).toEqual([10]);
  expect(await minutesOf(ESCALATED, escalates({ times: 1 }), { '9 min': fails, '40 min': ends() })).toEqual([10]);
});

test('a failure at a deadline is tried again, and delays nothing else', async () => {
  const given: Moment = (world) => {
    let failures = 2;
    const get = world.deps.effects.get.bind(world.deps.effects);
    world.deps.effects.get = async (id, key) => {
      const isDue = secondsBetween(world.store.dossier(id).record.opened_at, world.clock.now()) >= 600;
      if (isDue && failures-- > 0) throw new Error('a bug');
      return get(id, key);
    };
    return escalates({ times: 1 })(world);
  };
  const [minute] = await minutesOf(ESCALATED, given, { '40 min': ends() });
  expect(minute).toBeLessThanOrEqual(12);
});

test('deadlines that cannot be read do not keep the next run from its start', async () => {
  const fails: Moment = async (world) => {
    const id = theIncident(world);
    world.engine?.kill(id, 1);
    const { response: _, ...rest } = world.config;
    world.config = rest as Config;
    await world.deps.incidents.handOver(id, 2, 'Run 1 of the workflow has failed; run 2 takes over', { failedRuns: 1 });
    await world.engine?.start(id, 2);
  };
  const { world } = await play({
    given: [escalates()],
    timeline: { '0 s': fires(), '7 min': fails, '9 min': ends(), '25 min': escalates() },
  });
  const ended = entriesOf(world, /resolved$/).map(({ minute }) => Math.floor(minute));
  expect(ended).toEqual([9, 9]);
});

test('without reminders and an escalation, the inbox is read each ten minutes only', async () => {
  const { runs } = await play({ given: [responds({})], timeline: { '0 s': fires(), '29 min': ends() } });
  const timeouts = runs[0]?.events.filter(({ EventType }) => EventType === 'CallbackTimedOut');
  expect(timeouts).toHaveLength(2);
});

test('a deadline needs three operations', async () => {
  const operations = async (given: Moment): Promise<number> => {
    const { runs } = await play({ given: [given], timeline: { '0 s': fires(), '9 min': ends() } });
    return runs[0]?.events.filter(({ EventType }) => EventType.endsWith('Started')).length ?? 0;
  };
  const once = responds({ triage: { commanderMinutes: 'off', updateMinutes: 'off' } });
  expect((await operations(once)) - (await operations(responds({})))).toBe(3);
});
