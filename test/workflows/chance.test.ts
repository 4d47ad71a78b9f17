import { InvocationStatus } from '@aws/durable-execution-sdk-js';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { clearingOfVersion } from '../../core/domain/changes/cleared-suspects.ts';
import type { Attempt } from '../../core/domain/ports/common.ts';
import type { TargetResponse } from '../../core/domain/rollback/targets.ts';
import { Refusal } from '../../core/domain/refusal.ts';
import { secondsBetween } from '../../schemas/time/time.ts';
import { wake } from '../../workflows/wake.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import { runs } from '../support/runs.ts';
import type { Run } from './history.ts';
import { acting, all, deploys, ends, fires, type Moment, pauses, play } from './play.ts';
import { replay } from './replay.ts';
import { begins, finishes, recordsLate } from './stories/late-changes.ts';
import { asksForRollback, clears, suspects } from './stories/suspects.ts';

/*
 * Random stories: alerts, answers, outages, and process crashes in any order. The invariants hold at every moment, and
 * in the end every incident is resolved and nothing is pending.
 */

const ALERTS = [
  { name: 'HighErrorRatio' },
  { name: 'HighLatency' },
  { name: 'DiskFull', labels: { severity: 'warning', action: '' } },
  { name: 'Odd', labels: { severity: 'warning' } },
] as const;

const later: Attempt & TargetResponse = { kind: 'later', detail: 'answered 503', afterSeconds: 7 };
const taken: Attempt = { kind: 'taken', detail: 'accepted' };
const done: TargetResponse = { kind: 'succeeded', id: 'rb' };

const set =
  (what: Partial<FakeWorld>): Moment =>
  (world) =>
    void Object.assign(world, what);

/** Answers the waiting question, if there is one; with or without waking the incident. */
const answer =
  (how: 'approved' | 'rejected', rings: boolean): Moment =>
  async (world) => {
    for (const id of world.store.dossiers.keys()) {
      const waiting = (await world.deps.incidents.view(id))?.decisions.find(({ state }) => state === 'waiting');
      if (waiting) await world.deps.decisions.answer(id, waiting.digest, how, 'person:ada', '');
      if (rings) await wake(world.deps, id);
    }
  };

/** Does nothing if no incident is open, or if the moment is refused. */
const ifItCanBe =
  (moment: Moment): Moment =>
  async (world) => {
    if (world.store.open.length === 0) return;
    try {
      await moment(world);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  };

/** A person sends a message about the open incident, if there is one. */
const aPerson =
  (kind: 'rollback' | 'pause' | 'resume' | 'page' | 'resolve'): Moment =>
  async (world) => {
    const [id] = world.store.open;
    if (id === undefined) return;
    const paused = kind === 'pause' ? { automationPaused: true } : kind === 'resume' ? { automationPaused: false } : {};
    await world.deps.incidents.post(id, { kind, by: 'person:ada', note: '' }, paused);
    await wake(world.deps, id);
  };

const failsOnce =
  (method: string): Moment =>
  (world) => {
    let left = 1;
    world.on(method, {
      before: () => {
        left -= 1;
        if (left === 0) throw new Error('the table did not answer');
      },
    });
  };

const atTheNextJudgement =
  (when: 'before' | 'after', moment: Moment): Moment =>
  (world) => {
    let left = 1;
    world.on('decisions.keep', {
      [when]: async () => {
        left -= 1;
        if (left === 0) await moment(world);
      },
    });
  };

const afterTheNextJudgement = (moment: Moment): Moment => atTheNextJudgement('after', moment);

const anyMoment: fc.Arbitrary<[string, Moment]> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(...ALERTS).map((alert): [string, Moment] => [`${alert.name} fires`, fires(alert)]),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(...ALERTS).map((alert): [string, Moment] => [`${alert.name} ends`, ends(alert)]),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom<[string, Moment][]>(
      ['approved', answer('approved', true)],
      ['approved, without waking the incident', answer('approved', false)],
      ['rejected', answer('rejected', true)],
      ['the kill switch goes on', pauses(true)],
      ['the kill switch goes off', pauses(false)],
      ['the kill switch goes on right after the next judgement', afterTheNextJudgement(pauses(true))],
      ['v2 is cleared', ifItCanBe(clears('v2'))],
      ['v2 is cleared right before the next judgement is kept', atTheNextJudgement('before', ifItCanBe(clears('v2')))],
      ['v2 is cleared right after the next judgement', afterTheNextJudgement(ifItCanBe(clears('v2')))],
      ['v2 is suspected again', ifItCanBe(suspects('v2'))],
      ['a person names v1', ifItCanBe(asksForRollback('v1'))],
      ['v3 is deployed right after the next judgement', afterTheNextJudgement(deploys('v3', 0))],
      ['v3 is deployed', deploys('v3', 0)],
      ['v1 is deployed again', recordsLate('v1', 0)],
      ['a rollback to v1 is reported', recordsLate('v1', 1, { kind: 'rollback' })],
      ['v4 begins to roll out', begins('v4')],
      ['v4 has rolled out', finishes('v4')],
      ['v4 is cancelled', finishes('v4', 'cancelled')],
      ['the pager is away', set({ pages: [later] })],
      ['the pager is back', set({ pages: [taken] })],
      ['the CD system is away', set({ rollbacks: [later] })],
      [
        'the CD system works on it',
        set({ rollbacks: [{ kind: 'in_progress', id: 'rb', handle: '/rb' }], looks: [later, done] }),
      ],
      ['the CD system is back', set({ rollbacks: [done] })],
      ['the CD system fails', set({ rollbacks: [{ kind: 'failed', detail: 'hook' }] })],
      ['the CD system runs v9', set({ rollbacks: [{ kind: 'superseded', current: 'v9' }] })],
      ['all is well', set({ health: { kind: 'value', value: 0 } })],
      ['nothing is well', set({ health: { kind: 'value', value: 1 } })],
      ['no traffic', set({ health: { kind: 'no_data' } })],
      ['the table fails at listening', failsOnce('incidents.readInbox')],
      ['the table fails at an intent', failsOnce('effects.intendAction')],
      ['the table fails at an end', failsOnce('effects.concludeRollback')],
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom('rollback', 'pause', 'resume', 'page', 'resolve')
      .map((kind): [string, Moment] => [`a person: ${kind}`, aPerson(kind)]),
  },
  {
    weight: 4,
    arbitrary: fc
      .integer({ min: 1, max: 9 })
      .map((n): [string, Moment] => [`the process dies after ${n} reports`, (world) => world.dieAfter(n)]),
  },
);

const anyStory = fc.record({
  mode: fc.constantFrom('act', 'act', 'approve', 'suggest'),
  health: fc.boolean(),
  /** Moments before the first alert fires. */
  before: fc.array(anyMoment, { maxLength: 2 }),
  moments: fc.array(fc.tuple(fc.constantFrom(0, 0, 1, 3, 20, 70, 300, 1000, 4000), anyMoment), {
    minLength: 3,
    maxLength: 14,
  }),
});

type AnyStory = typeof anyStory extends fc.Arbitrary<infer S> ? S : never;

/** All vendors respond again (the pager after two failures), health is good, and all alerts end. */
const allIsCalm: Moment = all(
  set({ pages: [later, later, taken], rollbacks: [done], looks: [done], health: { kind: 'value', value: 0 } }),
  ...ALERTS.map(ends),
);

const overByAPerson: Moment = async (world) => {
  for (const id of world.store.open) {
    await world.deps.incidents.post(id, { kind: 'resolve', by: 'person:ada', note: '' });
    await wake(world.deps, id);
  }
};

/** Whether the target version was live for at least half an hour, and has never been rolled back. */
function isKnownGood({ store }: FakeWorld, call: string): boolean {
  const [, from, to] = / (v\d) to (v\d)$/.exec(call) ?? [];
  const changes = store.changes;
  const bad = changes.findLast(({ version }) => version === from);
  const good = changes.find(({ version }) => version === to);
  if (good?.finished_at == null || bad === undefined || good.rolled_back_by !== null) return false;
  return to === 'v1' || secondsBetween(good.finished_at, bad.started_at) >= 1800;
}

/** Adds each violation of an invariant to `wrong`, at the moment of the call. */
function watched(world: FakeWorld, wrong: string[]): void {
  const called = new Set<string>();
  world.watch = (call) => {
    if (!call.startsWith('cd roll-back')) return;
    const number = Number(/roll-back\.(\d+)/.exec(call)?.[1]);
    const incident = [...world.store.dossiers.values()].find(({ record }) => record.status === 'mitigating');
    const decision = incident?.decisions.get(number);
    if (world.store.isPaused) wrong.push(`${call} while the kill switch is on`);
    if (incident === undefined) wrong.push(`${call} for an incident that is not mitigating`);
    const asked =
      decision?.view.kind === 'approve' ? decision.view.state === 'approved' : decision?.view.kind === 'roll_back';
    if (!asked) wrong.push(`${call} without a decision for it: ${decision?.view.kind} ${decision?.view.state}`);
    // A rollback in progress continues, and a person may request one of a cleared version.
    const alone = decision !== undefined && 'request' in decision.inputs && decision.inputs.request.by !== 'person';
    const from = decision?.view.from_version ?? '';
    const cleared = clearingOfVersion(incident?.record.cleared, { service: 'checkout', version: from });
    if (alone && cleared !== undefined && !called.has(call)) wrong.push(`${call}, which a person has cleared`);
    called.add(call);
    if (!isKnownGood(world, call)) wrong.push(`${call}, which is not known good`);
  };
}

const FIRST: [string, Moment] = ['HighErrorRatio fires', fires(ALERTS[0])];

async function live({ mode, health, before, moments }: AnyStory) {
  const wrong: string[] = [];
  const timeline: Record<string, Moment> = {};
  let at = 0;
  const first: [number, [string, Moment]][] = [...before, FIRST].map((moment) => [0, moment]);
  for (const [pause, [, moment]] of [...first, ...moments]) {
    at += pause + 0.001; // so that no two moments coincide
    timeline[`${at.toFixed(3)} s`] = moment;
  }
  timeline[`${(at + 60).toFixed(3)} s`] = allIsCalm;
  timeline[`${(at + 4200).toFixed(3)} s`] = overByAPerson; // after the time for an answer
  const query = health ? { health: { promql: 'q', max: 0.01 } } : {};
  const config = acting({ autoRollback: { mode, evidence: 'time', unknownMigration: 'act' }, ...query });
  const story = { given: [set({ config }), (world: FakeWorld) => watched(world, wrong)], timeline };
  return { ...(await play(story)), wrong };
}

const spell = ({ mode, health, before, moments }: AnyStory): string => {
  const after = moments.map(([pause, [name]]) => `+${pause} s ${name}`);
  const told = [...before.map(([name]) => name), FIRST[0], ...after];
  return `mode ${mode}${health ? ', with a health query' : ''}: ${told.join('; ')}`;
};

/** Whether a replay of the recorded history gives the same result without any call. */
async function replays(run: Run): Promise<boolean> {
  const { output, calls } = await replay(run.events.slice(0, -1));
  return (
    calls.length === 0 && output.Status === InvocationStatus.SUCCEEDED && output.Result === JSON.stringify(run.result)
  );
}

test('random stories never violate an invariant, and end with every incident resolved', async () => {
  const stories = fc.sample(anyStory, { numRuns: runs(10), seed: Number(process.env['FIREBREAK_SEED'] ?? 1) });
  for (const batch of chunks(stories, 12)) {
    const lived = await Promise.all(batch.map(async (story) => ({ story, ...(await live(story)) })));
    for (const { story, world, runs: histories, wrong } of lived) {
      const dossiers = [...world.store.dossiers.values()];
      const said = {
        wrong,
        open: dossiers.filter(({ record }) => record.status !== 'resolved').map(({ record }) => record.id),
        pending: world.store.pending,
        locks: world.store.locks,
        unpaged: dossiers
          .filter(({ record }) => record.severity === 'critical')
          .filter(({ effects }) => ![...effects.values()].some(({ kind }) => kind === 'page'))
          .map(({ record }) => record.id),
        unresolvedPages: dossiers.flatMap(({ effects }) => pagesLeftOpen([...effects.values()])),
        waiting: dossiers.flatMap(({ decisions }) =>
          [...decisions.values()].filter(({ view }) => view.state === 'waiting'),
        ),
        unreplayed: (await Promise.all(histories.map(replays))).includes(false),
      };
      expect({ story: spell(story), ...said }).toEqual({
        story: spell(story),
        wrong: [],
        open: [],
        pending: [],
        locks: [],
        unpaged: [],
        unresolvedPages: [],
        waiting: [],
        unreplayed: false,
      });
    }
  }
});

/** Returns the keys of pages that the pager accepted and that were never resolved. */
function pagesLeftOpen(effects: readonly { key: string; kind: string; state: string }[]): string[] {
  const ended = new Set(
    effects.filter(({ kind, state }) => kind === 'page-resolve' && state === 'succeeded').map(({ key }) => key),
  );
  return effects
    .filter(({ kind, state }) => kind === 'page' && state === 'succeeded')
    .map(({ key }) => key)
    .filter((key) => !ended.has(`${key}.resolve`));
}

function* chunks<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
