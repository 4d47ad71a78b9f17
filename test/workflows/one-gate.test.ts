import { expect, test } from 'vitest';
import { keys } from '../../core/stores/keys.ts';
import type { DecisionInputs } from '../../core/domain/rollback/judgement.ts';
import { put } from '../../platforms/store.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import { NOON } from '../core/arbitraries.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import {
  all,
  answersWhatWaits,
  deploys,
  ends,
  fires,
  mode,
  type Moment,
  play,
  samplesOf,
  theIncident,
  withHealth,
} from './play.ts';
import { turnsOff } from './stories/flags.ts';
import { recordsLate } from './stories/late-changes.ts';
import { asksForFlag, flagChanged, follows, set, starts, turnsFlagOff } from './stories/runbooks.ts';

/* Decisions and steps of runbooks pass one gate: the same act is done once, and people are asked once. */

const FLAG_OFF = 'flag new-basket off';
const LITERAL = turnsFlagOff.replace('${{ suspect.version }}', 'new-basket');

const acts = (world: FakeWorld): string[] => world.calls.filter((call) => !call.startsWith('pager'));

/** What was said about questions, acts, and steps, with the minute. */
const told = (world: FakeWorld): string[] =>
  world.store
    .dossier(theIncident(world))
    .timeline.filter(
      ({ kind }) => /^(decision|flag|mitigation|runbook\.(s[^l]|f))/.test(kind) && kind !== 'runbook.started',
    )
    .map(({ at, kind, text }) => `${at.slice(11, 16)} ${kind}: ${text}`);

const story = (timeline: Record<string, Moment>, given: Moment[] = [], runbook = turnsFlagOff, end = '10 min') =>
  play({
    given: [follows({ one: runbook }), flagChanged, ...given],
    timeline: { '0 s': fires(asksForFlag), ...timeline, [end]: ends(asksForFlag) },
  });

/** The judgement ends only when a step has passed the gate; then `moment` happens, while the step goes on. */
const judgedOnceAStepActs =
  (when: 'before' | 'after', moment: Moment): Moment =>
  (world) => {
    const acting = Promise.withResolvers<void>();
    let isFirst = true;
    world.on('decisions.keep', { before: () => acting.promise });
    world.on('effects.intendAction', {
      [when]: async () => {
        if (!isFirst) return;
        isFirst = false;
        acting.resolve();
        for (let turn = 0; turn < 200; turn += 1) {
          await new Promise(setImmediate);
          await moment(world);
        }
      },
    });
  };

const ASKED = expect.stringMatching(
  /^12:00 decision: Turn off feature flag new-basket .*Approve or reject by 13:00 UTC/,
);

test('a step waits for the answer to a question about the same act, and finds it done', async () => {
  const { world } = await story({ '4 min': answersWhatWaits('approved') });
  expect(acts(world)).toEqual([FLAG_OFF]);
  expect(told(world)).toEqual([
    ASKED,
    '12:04 decision.approved: Approved to turn off feature flag new-basket of checkout in production',
    '12:04 flag.started: Turning off feature flag new-basket',
    '12:04 mitigation.succeeded: Turned off feature flag new-basket',
    expect.stringMatching(
      /^12:0\d runbook.step_skipped: off: already done: feature flag new-basket is off already, since 12:04 UTC$/,
    ),
    expect.stringMatching(/^12:0\d runbook.step_succeeded: after: goes on$/),
    expect.stringMatching(/^12:0\d runbook.finished: Runbook "Test" finished: 1 of 2 steps completed, 1 skipped$/),
  ]);
});

test('a step does not do what people rejected, or did not answer, and says so', async () => {
  const rejected = await story({ '4 min': answersWhatWaits('rejected') });
  expect(acts(rejected.world)).toEqual([]);
  expect(told(rejected.world)).toContainEqual(
    expect.stringMatching(
      /^12:0\d runbook.step_declined: off: new-basket was suspected, and person:ada refused to undo it at 2026-11-20 12:04 UTC$/,
    ),
  );
  const brief = { mode: 'act', evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 8 };
  const expired = await story({}, [follows({ one: turnsFlagOff }, { autoRollback: brief })], turnsFlagOff, '12 min');
  expect(acts(expired.world)).toEqual([]);
  expect(told(expired.world)).toContainEqual(
    expect.stringMatching(/^12:0\d runbook.step_declined: off: nobody answered the question about it in time$/),
  );
});

test('a question about what a runbook has done already is closed with the reason', async () => {
  const { world } = await story({}, [judgedOnceAStepActs('after', () => undefined)], LITERAL);
  expect(acts(world)).toEqual([FLAG_OFF]);
  expect(told(world)).toContainEqual(
    expect.stringMatching(
      /^12:00 decision.withdrawn: Question closed: (feature flag new-basket is off already, since 12:00 UTC|the runbook "Test" has done it \(off\))$/,
    ),
  );
});

test('a person who starts a runbook does not wait, and the question is closed', async () => {
  const { world } = await play({
    given: [follows({ manual: LITERAL }), flagChanged],
    timeline: { '0 s': fires(), '5 min': starts('manual'), '10 min': ends() },
  });
  expect(acts(world)).toEqual([FLAG_OFF]);
  expect(told(world)).toContain(
    '12:05 decision.withdrawn: Question closed: the runbook "Test", started by person:ada, has done it (off)',
  );
});

test.each(['before', 'after'] as const)(
  'a step and an approved decision at the same second are one act: approved %s the step locks the flag',
  async (when) => {
    const { world } = await story({}, [judgedOnceAStepActs(when, answersWhatWaits('approved'))], LITERAL);
    expect(acts(world)).toEqual([FLAG_OFF]);
    expect(world.store.locks.length).toBe(0);
    const { effects } = world.store.dossier(theIncident(world));
    expect([...effects.values()].filter(({ kind, state }) => kind === 'flag' && state === 'succeeded')).toHaveLength(1);
    expect(told(world)).toContain(
      '12:00 decision.approved: Approved to turn off feature flag new-basket of checkout in production',
    );
  },
);

test.each([
  ['a step', LITERAL],
  ['an approved decision', 'steps:\n  - { id: after, uses: note, with: { text: nothing } }\n'],
])('%s that gets the lock after another act has done it does nothing', async (_, runbook) => {
  let isFirst = true;
  const doneJustBefore: Moment = (world) => {
    const isStep = runbook === LITERAL;
    if (isStep) world.store.forgetChanges();
    let isLocking = false;
    const done = async (): Promise<void> => {
      if (!isFirst || !isLocking) return;
      isFirst = false;
      await turnsOff(world, 'new-basket', 9);
    };
    world.on('effects.intendAction', {
      before: () => {
        isLocking = true;
        return isStep ? done() : undefined;
      },
    });
    // The guards of a decision are read together with the lock: the other act is done after they have seen nothing.
    if (!isStep) world.on('incidents.view', { after: done });
  };
  const { world } = await story({ '1 min': answersWhatWaits('approved') }, [doneJustBefore], runbook);
  expect([acts(world), isFirst, world.store.locks.length]).toEqual([[], false, 0]);
  expect(told(world).join()).toContain('feature flag new-basket is off already, since 12:0');
});

test('the limits per hour count decisions and runbooks: at the limit, a step asks', async () => {
  const counted = await story({}, [({ store }) => store.forgetChanges()], LITERAL);
  expect(acts(counted.world)).toEqual([FLAG_OFF]);
  expect((await counted.world.deps.effects.automaticSince(NOON)).all).toBe(1);
  const atLimit: Moment = ({ store, clock }) => {
    store.forgetChanges();
    const times = Array.from({ length: 10 }, (_, n) => plusSeconds(clock.now(), -60 * n));
    return store.write([put({ ...keys.pace(), times, acts: [], rev: 1 })]);
  };
  const asked = await story({ '5 min': answersWhatWaits('approved') }, [atLimit], LITERAL);
  expect(acts(asked.world)).toEqual([FLAG_OFF]);
  expect(told(asked.world)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(
        /^12:00 decision: off: turn off feature flag new-basket\? [^]*Asks because all services had 10 automatic rollbacks and runbooks in the last hour, and the limit without approval is 10\.$/,
      ),
      '12:05 flag.started: Turned off feature flag new-basket',
    ]),
  );
});

test('a question is closed by what was done elsewhere, with the reason', async () => {
  const { world } = await play({
    given: [mode('approve')],
    timeline: { '0 s': fires(), '4 min': recordsLate('v1', 1, { kind: 'rollback', author: 'bo' }), '9 min': ends() },
  });
  expect(acts(world)).toEqual([]);
  expect(told(world).slice(1)).toEqual([
    '12:04 decision.withdrawn: Question closed: v2 of checkout was rolled back to v1 by bo',
    '12:04 mitigation.by_hand: checkout v1 was deployed again by bo, which replaces v2, the probable cause. Firebreak verifies the recovery',
  ]);
  const flag = await story({ '4 min': recordsLate('new-basket 7 (off)', 1, { kind: 'flag', author: 'bo' }) });
  expect(acts(flag.world)).toEqual([]);
  expect(told(flag.world)).toContain(
    '12:04 decision.withdrawn: Question closed: feature flag new-basket was turned off by bo',
  );
  const unknown = await story({ '4 min': recordsLate('new-basket 7 (off)', 1, { kind: 'flag' }) });
  expect(told(unknown.world)).toContain(
    '12:04 decision.withdrawn: Question closed: feature flag new-basket was turned off',
  );
});

test('the errors of an earlier incident with a verified rollback are left out of the history of the next one', async () => {
  const { world } = await play({
    given: [
      withHealth,
      set({ health: { kind: 'value', value: 0.001 } }),
      set({ curve: samplesOf(NOON, plusSeconds(NOON, 3600), () => 0.05) }),
    ],
    timeline: {
      '0 s': fires(),
      '9 min': ends(),
      '40 min': all(deploys('v3', 3), fires({ name: 'Another' })),
      '50 min': ends({ name: 'Another' }),
    },
  });
  const [first, second] = [...world.store.dossiers.values()];
  expect([first?.record.verification, first?.record.status]).toEqual(['passed', 'resolved']);
  const inputs = second?.decisions.get(1)?.inputs as DecisionInputs | undefined;
  expect(inputs?.evidence.explained).toEqual([
    { from: plusSeconds(NOON, -480), until: first?.record.verifying?.at ?? first?.record.resolved_at },
  ]);
  expect(first?.decisions.get(1)?.inputs).not.toHaveProperty('evidence.explained');
});
