import { expect, test } from 'vitest';
import { requestLook } from '../../core/actions/look/request-look.ts';
import { tendLooks } from '../../core/actions/look/tend-looks.ts';
import type { Caller } from '../../core/actions/people/caller.ts';
import { Refusal } from '../../core/domain/refusal.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import { NOON } from '../core/arbitraries.ts';
import { FakeWorld, idleEngine } from '../support/fake-deps.ts';
import { deploys, diesAfter, ends, fires, type Moment, play, theIncident } from './play.ts';
import { type Fresh, lookPaths, looksAt } from './stories/looks.ts';

/** Plays a story. Returns its decisions and what the timeline says about looks. */
async function told(name: string) {
  const path = lookPaths[name];
  if (path === undefined) throw new Error(`no story ${name}`);
  return toldOf((await play(path)).world);
}

async function toldOf(world: Awaited<ReturnType<typeof play>>['world']) {
  const id = theIncident(world);
  const { timeline } = world.store.dossier(id);
  const { decisions = [], effects = [] } = (await world.deps.incidents.view(id)) ?? {};
  return {
    said: timeline.flatMap(({ kind, at, text }) => (kind.startsWith('look.') ? [`${at.slice(11, 19)} ${text}`] : [])),
    decided: decisions.map(
      ({ kind, because, state, reasons }) => `${kind} (${because}, ${state}): ${reasons[0]?.text}`,
    ),
    effects: effects.flatMap(({ key, kind, state }) => (kind === 'look' ? [`${key} ${state}`] : [])),
    calls: world.calls,
    timeline,
  };
}

const look = async (fresh: Fresh) =>
  toldOf((await play({ given: [looksAt(fresh)], timeline: { '0 s': fires({ began: 20 }), '6 min': ends() } })).world);

test('a version of which alone a fresh instance fails is rolled back, after both instances are removed', async () => {
  const { said, decided, effects, calls } = await told('only-the-fresh-new-version-fails');
  expect({ said, decided, effects }).toMatchInlineSnapshot(`
    {
      "decided": [
        "approve (not_proved, withdrawn): it is not tested yet by a controlled look",
        "roll_back (suspect, final): Probable cause: v2 (99 %), because tested: of two fresh instances, only that of v2 fails (health: 30 % of 900 requests; v1 at the same time: 0.1 % of 900 requests, probability by chance below 0.0001 %)",
      ],
      "effects": [
        "look-1 succeeded",
      ],
      "said": [
        "12:00:00 Testing v2 against v1: one fresh instance of each for at most 5 minutes; each gets about 1 in 5 requests and needs 100",
        "12:03:00 Removed the two instances of the test",
        "12:03:00 Tested: of two fresh instances, only that of v2 fails (health: 30 % of 900 requests; v1 at the same time: 0.1 % of 900 requests, probability by chance below 0.0001 %)",
      ],
    }
  `);
  expect(calls.indexOf('look ends')).toBeLessThan(calls.indexOf('cd roll-back.2 v2 to v1'));
});

test.for([['decisions.withdraw'], ['looks.begin']])(
  'a test is done once, and leads to a rollback, although the process dies after %s',
  async ([method = '']) => {
    const { given = [], ...path } = lookPaths['only-the-fresh-new-version-fails'] ?? expect.unreachable();
    const { world } = await play({ ...path, given: [...given, diesAfter(method)] });
    expect(world.calls).toEqual(path.calls);
  },
);

test.for([
  ['both-fresh-versions-fail'],
  ['neither-fresh-version-fails'],
  ['fresh-versions-get-too-few-requests'],
  ['look-is-refused'],
])('%s: a person is asked, with the result', async ([name = '']) => {
  const { said, decided } = await told(name);
  expect({ said, decided }).toMatchSnapshot();
});

test('a version whose fresh instance does not start, beside an old one that does, is rolled back', async () => {
  const { decided, said } = await told('fresh-new-version-does-not-start');
  expect(said.at(-1)).toContain(
    'Tested: of two fresh instances, only that of v2 does not run (v2: CrashLoopBackOff; v1: ready)',
  );
  expect(decided.at(-1)).toMatch(/^roll_back \(suspect, final\)/);
});

test('a person who approves during a test does not wait for it, but its instances are removed first', async () => {
  const { decided, said, calls } = await told('approved-during-a-look');
  expect(decided).toEqual(['approve (not_proved, approved): it is not tested yet by a controlled look']);
  expect(said.at(-1)).toContain('The test ended early: the question was answered');
  expect(calls.indexOf('look ends')).toBeLessThan(calls.indexOf('cd roll-back.1 v2 to v1'));
});

test('an instance that restarts, or is not ready after a minute, counts as failing', async () => {
  const slow = { state: 'starting', readyAt: null } as const;
  const restarts = await look({ suspect: 0, other: 0, instances: () => ({ suspect: { restarts: 2 } }) });
  expect(restarts.decided.at(-1)).toMatch(/^roll_back .*restarted 2 times/);
  const late = await look({ suspect: 0, other: 0, instances: () => ({ suspect: slow }) });
  expect(late.decided.at(-1)).toMatch(/^roll_back .*not ready after 60 s/);
  const bothLate = await look({ suspect: 0, other: 0, instances: () => ({ suspect: slow, other: slow }) });
  expect(bothLate.decided.at(-1)).toMatch(/^approve .*neither fresh instance runs/);
  const otherLate = await look({ suspect: 0, other: 0, instances: () => ({ other: slow }) });
  expect(otherLate.decided.at(-1)).toMatch(/^approve .*only that of v1 does not run .* so a rollback would not help/);
});

test('an instance that another system removes, or a target without an answer, leads to a question', async () => {
  const removed = await look({ suspect: 0, other: 0, instances: () => ({ suspect: { state: 'gone' } }) });
  expect(removed.decided.at(-1)).toMatch(/^approve .*an instance was removed by another system/);
  const silent: Fresh['answers'] = Array.from({ length: 40 }, () => ({
    kind: 'later',
    detail: 'no answer for 15 s',
    afterSeconds: null,
  }));
  expect((await look({ suspect: 0.3, other: 0, answers: silent })).decided.at(-1)).toMatch(
    /^approve .*not tested: no answer for 15 s/,
  );
});

test('without a look configured, an in-place deploy is asked about, and nothing is started', async () => {
  const { decided, calls } = await look({ suspect: 0.3, other: 0, more: { look: undefined } });
  expect(decided).toEqual([
    ...['60 s', '2 min'].map((since) =>
      expect.stringMatching(`^wait \\(too_soon, final\\): errors began ${since} ago`),
    ),
    expect.stringMatching(/^approve \(not_proved, withdrawn\)/),
  ]);
  expect(calls.join()).not.toContain('look');
});

const ADA: Caller = { name: 'person:ada', allow: () => undefined };

/** How each request for a test was answered. */
const answers = new WeakMap<object, string[]>();

const requests =
  (order: { digest?: string } = {}): Moment =>
  async (world) => {
    const answer = await requestLook(world.deps, ADA, { id: theIncident(world), ...order }).then(
      () => 'requested',
      (error: unknown) => {
        if (error instanceof Refusal) return `${error.status} ${error.code}`;
        throw error;
      },
    );
    answers.set(world, [...(answers.get(world) ?? []), answer]);
  };

test.for([
  ['the look is off', { look: undefined }, false],
  ['automation is paused', {}, true],
] as const)('a test that is requested while %s is refused', async ([, more, pause]) => {
  const autoRollback = { mode: 'approve', unknownMigration: 'act' };
  const { world } = await play({
    given: [
      looksAt({ suspect: 0.3, other: 0.001, more: { autoRollback, ...more } }),
      ({ deps }) => (pause ? deps.automation.write({ paused: true, reason: 'maintenance' }, 'person:bo') : null),
    ],
    timeline: { '0 s': fires({ began: 20 }), '160 s': requests(), '6 min': ends() },
  });
  expect(answers.get(world)).toEqual([pause ? '409 superseded' : '409 look-refused']);
  expect(world.calls.join()).not.toContain('look');
});

test('in mode approve, nothing is tested before a person requests it; the question that follows has the result', async () => {
  const { world } = await play({
    given: [
      looksAt({ suspect: 0.3, other: 0.001, more: { autoRollback: { mode: 'approve', unknownMigration: 'act' } } }),
    ],
    timeline: {
      '0 s': fires({ began: 20 }),
      '20 s': requests(),
      '25 s': requests(),
      '40 s': requests({ digest: 'another' }),
      '6 min': ends(),
    },
  });
  expect(answers.get(world)).toEqual(['requested', 'requested', '409 superseded']);
  const { decided, calls, timeline } = await toldOf(world);
  expect(timeline.find(({ kind }) => kind === 'look.started')?.actor).toBe('person:ada');
  expect(calls.filter((call) => call.startsWith('look'))).toEqual(['look v2 beside v1 as 1', 'look ends']);
  expect(decided.at(-1)).toMatch(/^approve \(mode_approve, withdrawn\)/);
  expect(decided).toHaveLength(2);
});

test('a flag that changed since the deploy is asked about, and the versions are not tested', async () => {
  const { world } = await play({
    given: [
      looksAt({ suspect: 0.3, other: 0.001 }),
      deploys('new-basket', 1.2, { kind: 'flag', status: 'failed', finished_at: plusSeconds(NOON, -72) }),
    ],
    timeline: { '0 s': fires({ began: 20 }), '6 min': ends() },
  });
  const { decided, calls } = await toldOf(world);
  expect(calls.join()).not.toContain('roll-back');
  expect(calls.join()).not.toContain('look');
  expect(decided.at(-1)).toMatch(/^approve/);
});

test('a look that is paused ends without a rollback', async () => {
  const { world } = await play({
    given: [looksAt({ suspect: 0.3, other: 0.001 })],
    timeline: {
      '0 s': fires({ began: 20 }),
      '20 s': ({ deps }) => deps.automation.write({ paused: true, reason: 'maintenance' }, 'person:ada'),
      '6 min': ends(),
    },
  });
  const { said, calls } = await toldOf(world);
  expect(said.at(-1)).toContain('Not tested: automation was paused');
  expect(calls.join()).not.toContain('roll-back');
});

test('the instances of a test whose workflow was lost are removed, and the timeline says so', async () => {
  const lost = new Error('the process died');
  let world = new FakeWorld();
  const story = play({
    given: [looksAt({ suspect: 0.3, other: 0.001 }), (its) => (world = its)],
    timeline: { '0 s': fires({ began: 20 }), '40 s': () => Promise.reject(lost) },
  });
  await expect(story).rejects.toBe(lost);
  world.engine = idleEngine();
  const tend = () => tendLooks(world.deps);
  await tend();
  expect(world.calls).not.toContain('look ends');
  world.clock.set(world.clock.millis + 8 * 60_000);
  await tend();
  await tend();
  const { said, effects, calls } = await toldOf(world);
  expect(calls.filter((call) => call === 'look ends')).toHaveLength(1);
  expect({ effects, said: said.at(-1) }).toEqual({
    effects: ['look-1 withheld'],
    said: expect.stringContaining('Not tested: its workflow was lost'),
  });
});
