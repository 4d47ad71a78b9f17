import { expect, test } from 'vitest';
import type { TargetResponse } from '../../core/domain/rollback/targets.ts';
import type { Attempt } from '../../core/domain/ports/common.ts';
import { EXECUTION_LIMITS } from '../../platforms/limits.ts';
import { FakeWorld } from '../support/fake-deps.ts';
import { deploys, ends, fires, type Moment, says, theIncident } from './play.ts';
import { SimulatedEngine } from './simulated-engine.ts';
import { recordsLate } from './stories/late-changes.ts';
import { done, follows, later, names, set, starts } from './stories/runbooks.ts';

const ROUND_SECONDS = 20;

/** Longer than every branch that a hand-over waits for: the second check of alerts comes after 150 seconds. */
const UNREAD_MAX_SECONDS = 300;

const RUNBOOK = `steps:
  - id: waits
    parallel:
      - { id: a, uses: wait.until, with: { promql: 'up', min: 2 }, timeout: 2h, onFailure: continue }
      - { id: b, uses: wait.until, with: { promql: 'up', min: 2 }, timeout: 2h, onFailure: continue }
  - { id: told, uses: note, with: { text: 'waited' } }
`;
const RUNBOOKS = { one: RUNBOOK, two: RUNBOOK, three: RUNBOOK };

const policy = (mode: 'act' | 'approve'): Moment =>
  follows(RUNBOOKS, {
    autoRollback: { mode, evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 240 },
    health: { promql: 'errors', max: 0.01 },
  });

/** Everything that can happen between two reads of the inbox; rarely a page or a rollback for a person. */
const worstRound =
  (number: number): Moment =>
  async (world) => {
    await fires({ name: `Alert${number}` })(world);
    if (number > 3) await ends({ name: `Alert${number - 3}` })(world);
    await recordsLate(`v2.${number}`, 9)(world);
    for (const name of Object.keys(RUNBOOKS)) await Promise.resolve(starts(name)(world)).catch(() => undefined);
    if (number % 10 === 0) await says({ kind: 'page', by: 'person:ada', note: 'again' })(world);
    if (number % 25 === 0) await says({ kind: 'rollback', by: 'person:ada', note: '' })(world);
  };

/** Plays the worst round until the workflow has handed over often enough. */
async function played(given: Moment[], handovers: number) {
  const world = new FakeWorld();
  const engine = new SimulatedEngine(world.clock, world.deps);
  world.engine = engine;
  await deploys('v1', 240)(world);
  await deploys('v2', 8)(world);
  for (const moment of given) await moment(world);
  await fires(names('one'))(world);
  const incident = () => world.store.dossier(theIncident(world)).record;
  const { runs } = engine;
  let unreadSeconds = 0;
  let longestUnreadSeconds = 0;
  let consumed = 0;
  for (let round = 1; runs.length <= handovers; round += 1) {
    expect(round, 'rounds without the last hand-over').toBeLessThan(1000);
    await worstRound(round)(world);
    await engine.pass(ROUND_SECONDS);
    unreadSeconds = incident().consumed_seq > consumed ? 0 : unreadSeconds + ROUND_SECONDS;
    consumed = incident().consumed_seq;
    longestUnreadSeconds = Math.max(longestUnreadSeconds, unreadSeconds);
  }
  return { world, engine, runs, incident, longestUnreadSeconds };
}

const failing = set({ health: { kind: 'value', value: 0.2 } });
const healthy = set({ health: { kind: 'value', value: 0.001 } });
const noPager: Attempt = { kind: 'later', detail: 'answered 503', afterSeconds: null };

const STORIES: { name: string; given: Moment[] }[] = [
  { name: 'while a question waits', given: [policy('approve'), failing] },
  { name: 'while no pager answers', given: [policy('approve'), failing, set({ pages: [noPager] })] },
  { name: 'while rollbacks are in progress', given: [policy('act'), failing, set({ rollbacks: [later] })] },
  { name: 'while mitigations are verified', given: [policy('act'), healthy] },
  { name: 'while mitigations fail', given: [policy('act'), failing] },
];

/** Tests that no run has too many operations, and that none is stuck, in stories with this many hand-overs each. */
export function testWorstRounds(handovers: number): void {
  test.each(STORIES)(
    'a run with the most operations in each round hands over in time, and keeps reading its inbox, $name',
    async ({ given }) => {
      const { engine, runs, incident, world, longestUnreadSeconds } = await played(given, handovers);
      expect(longestUnreadSeconds).toBeLessThan(UNREAD_MAX_SECONDS);
      set({ pages: [{ kind: 'taken', detail: 'accepted' }], rollbacks: [{ kind: 'succeeded', id: null }] })(world);
      await says({ kind: 'resolve', by: 'person:ada', note: '' })(world);
      await engine.pass(3 * 3600);
      expect(incident().status).toBe('resolved');
      expect(runs.map(({ ended }) => ended)).toEqual([...runs.slice(1).map(() => 'handed_over'), 'resolved']);
      expect(runs.filter(({ operations }) => operations > EXECUTION_LIMITS.operations)).toEqual([]);
      expect(runs.filter(({ error }) => error !== null)).toEqual([]);
    },
  );
}

const POLLS = `steps: [{ id: waits, uses: wait.until, with: { promql: 'up', min: 2 }, timeout: 37m, onFailure: continue }]
`;

/** Tests that no run has too many operations while this many runbooks poll at once, without a message in between. */
export function testPollingRunbooks(count: number): void {
  const runbooks = Array.from({ length: count }, (_, number) => `polls-${number}`);
  test.each<[string, TargetResponse]>([
    ['while a rollback is in progress', later],
    ['without anything else', done],
  ])(
    `a run in which ${count} runbooks poll at once hands over in time, and reads its inbox, %s`,
    async (_, rollback) => {
      const world = new FakeWorld();
      const engine = new SimulatedEngine(world.clock, world.deps);
      world.engine = engine;
      await deploys('v1', 240)(world);
      await deploys('v2', 8)(world);
      follows(Object.fromEntries(runbooks.map((name) => [name, POLLS])), {
        autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act' },
      })(world);
      set({ rollbacks: [rollback], health: { kind: 'value', value: 0.2 } })(world);
      await fires()(world);
      await engine.pass(30);
      for (const name of runbooks) await starts(name)(world);
      const incident = () => world.store.dossier(theIncident(world)).record;
      // The rollback is tried for an hour. Meanwhile, the runbooks use up the operations of the run.
      for (let minute = 0; minute < 50; minute += 1) {
        await says({ kind: 'page_outdated' })(world);
        await engine.pass(60);
        expect(incident().consumed_seq).toBe(incident().seq);
      }
      await engine.pass(5 * 3600);
      const { runs } = engine;
      expect(runs.length).toBeGreaterThan(1);
      expect(runs.filter(({ operations }) => operations > EXECUTION_LIMITS.operations)).toEqual([]);
      expect(runs.filter(({ error }) => error !== null)).toEqual([]);
      const { timeline } = world.store.dossier(theIncident(world));
      expect(timeline.filter(({ text }) => text.includes('finished: 0 of 1 steps completed'))).toHaveLength(count);
    },
  );
}
