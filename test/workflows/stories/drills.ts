import { type DurableContext, withDurableExecution } from '@aws/durable-execution-sdk-js';
import { DrillTable } from '../../../core/stores/incidents/drills.ts';
import type { Table } from '../../../core/stores/table.ts';
import { planDrill, startOrphanedDrills } from '../../../core/actions/automation/drills.ts';
import { DrillId, type DrillRecord } from '../../../schemas/automation/drill.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { drill } from '../../../workflows/drill.ts';
import { durableRun } from '../../../workflows/run.ts';
import { FakeWorld } from '../../support/fake-deps.ts';
import type { Run } from '../history.ts';
import { acting, all, deploys, type handlerWith, liveThrough, type Moment, pauses, type Story } from '../play.ts';
import { VirtualExecutions } from '../virtual-executions.ts';

/** Stories of drills. They use a real table; everything else is as in stories of incidents. */

export const drillHandlerWith: typeof handlerWith = (deps) => (client) =>
  withDurableExecution(
    (input: { drillId: DrillId; run: number }, context: DurableContext) =>
      drill(durableRun(context, deps.log), input, deps),
    { durableExecutionClient: client },
  );

const serviceEnvironment = { service: ServiceName.parse('checkout'), environment: EnvironmentName.parse('production') };

/** A story of one drill with its expected result: the calls to the CD system, in order, and the end of the drill. */
export type DrillPath = Story & { calls: string[]; ends: Pick<DrillRecord, 'outcome' | 'reason'> };

type Lane = { world: FakeWorld; drills: DrillTable; virtual: VirtualExecutions; id: DrillId };

const lanes = new WeakMap<FakeWorld, Lane>();

/** @throws if the drill of this world has not begun */
function laneOf(world: FakeWorld): Lane {
  const lane = lanes.get(world);
  if (lane === undefined) throw new Error('no drill has begun in this world');
  return lane;
}

/** Plays a story in a table that other stories may share. @param number of the story; part of the drill ID */
export async function playDrill(
  table: Table,
  number: number,
  { given = [], timeline }: Story,
): Promise<{ world: FakeWorld; drill: DrillRecord | undefined; runs: Run[] }> {
  const world = new FakeWorld();
  const drills = new DrillTable(table, world.clock);
  Object.assign(world.deps, { drills });
  const virtual = new VirtualExecutions(world.clock, drillHandlerWith(world.deps));
  world.engine = virtual;
  const id = DrillId.parse(`01TEST${'DR'.padEnd(16, '0')}${String(number).padStart(4, '0')}`);
  lanes.set(world, { world, drills, virtual, id });
  world.config = acting({ drills: true });
  for (const deploy of [deploys('v1', 240), deploys('v2', 100)]) await deploy(world);
  for (const moment of given) await moment(world);
  const runs = await liveThrough(world, virtual, timeline);
  return { world, drill: await drills.get(id), runs };
}

/** A person starts the drill, as through the API. */
export const begins: Moment = async (world) => {
  const { drills, virtual, id } = laneOf(world);
  const planned = await planDrill(world.deps, serviceEnvironment, { id, by: 'person:ada' });
  if (!planned.ok) throw new Error(planned.reason.text);
  // Each story has its own target, because their locks share one table.
  const begun = await drills.begin({ ...planned.drill, resource: id });
  if (!begun.ok) throw new Error(begun.reason.text);
  virtual.begin(id, 1, { drillId: id, run: 1 });
};

/** The active run dies, and the sweeper starts the next one. */
export const dies: Moment = async (world) => {
  const { drills, virtual, id } = laneOf(world);
  const known = await drills.get(id);
  if (known === undefined) throw new Error(`there is no drill ${id}`);
  virtual.kill(id, known.run);
  const start = async (drillId: DrillId, run: number) => virtual.begin(drillId, run, { drillId, run });
  await startOrphanedDrills({ ...world.deps, runs: { ...world.deps.runs, drill: { start } } });
};

/** Starts a run although another one is active. */
const isStartedAgain: Moment = (world) => {
  const { virtual, id } = laneOf(world);
  virtual.begin(id, 7, { drillId: id, run: 7 });
};

const set =
  (what: Partial<Pick<FakeWorld, 'rollbacks' | 'looks' | 'holds'>>): Moment =>
  (world) =>
    void Object.assign(world, structuredClone(what));

const incidentOpens: Moment = (world) =>
  world.deps.incidents.declare({
    ...serviceEnvironment,
    title: 'slow',
    severity: 'warning',
    by: 'person:ada',
    trace: 'trace',
  });

const done = { kind: 'succeeded', id: 'rb-1' } as const;
const working = { kind: 'in_progress', id: 'rb-1', handle: '/rb-1' } as const;
const away = { kind: 'later', detail: 'answered 503', afterSeconds: null } as const;
const canBeAsked = set({ holds: [{ kind: 'holds' }] });

const BACK = 'cd back v2 to v1';
const FORTH = 'cd forth v1 to v2';
const LOOK = 'cd look /rb-1';
const HOLDS = 'cd does it hold';
const proved = { outcome: 'proved', reason: null } as const;
const failed = (reason: string) => ({ outcome: 'failed', reason }) as const;

export const drillPaths: Record<string, DrillPath> = {
  'proves-a-rollback': {
    given: [canBeAsked, set({ rollbacks: [working], looks: [working, done, done] })],
    timeline: { '0 s': begins },
    calls: [BACK, LOOK, LOOK, HOLDS, FORTH, LOOK],
    ends: proved,
  },
  'proves-a-rollback-without-state-reports': {
    timeline: { '0 s': begins },
    calls: [BACK, FORTH],
    ends: proved,
  },
  'rolled-back-version-drifts': {
    given: [set({ holds: [{ kind: 'drifted', detail: 'v2 was synced again' }] })],
    timeline: { '0 s': begins },
    calls: [BACK, HOLDS, FORTH],
    ends: failed('the rollback was undone: v2 was synced again'),
  },
  'target-is-unreachable-at-first': {
    given: [set({ rollbacks: [away, { ...away, afterSeconds: 90 }, done] })],
    timeline: { '0 s': begins },
    calls: [BACK, BACK, BACK, FORTH],
    ends: proved,
  },
  'target-refuses': {
    given: [set({ rollbacks: [{ kind: 'refused', detail: 'it has no such version' }] })],
    timeline: { '0 s': begins },
    calls: [BACK],
    ends: failed('the target refused the rollback: it has no such version'),
  },
  'failed-rollback-is-redeployed': {
    given: [set({ rollbacks: [{ kind: 'failed', detail: 'a hook failed' }, done] })],
    timeline: { '0 s': begins },
    calls: [BACK, FORTH],
    ends: failed('the rollback to v1 failed: a hook failed'),
  },
  'deploy-before-the-rollback': {
    given: [deploys('v3', 1)],
    timeline: { '0 s': all(begins, deploys('v4', 0)) },
    calls: [],
    ends: failed('v4 is running instead of v3; nothing was changed'),
  },
  'incident-opens-before-the-rollback': {
    timeline: { '0 s': all(begins, incidentOpens) },
    calls: [],
    ends: failed('an incident is open for this service and environment; nothing was changed'),
  },
  'kill-switch-while-rolled-back': {
    given: [canBeAsked],
    timeline: { '0 s': begins, '30 s': pauses(true), '5 min': pauses(false) },
    calls: [BACK, HOLDS, FORTH],
    ends: proved,
  },
  'next-run-continues-after-a-crash': {
    given: [canBeAsked, set({ rollbacks: [working], looks: [done] })],
    timeline: { '0 s': begins, '20 s': dies },
    calls: [BACK, LOOK, HOLDS, FORTH, LOOK],
    ends: proved,
  },
  'crash-between-an-action-and-its-record': {
    given: [canBeAsked, (world) => world.dieAfter(2)],
    timeline: { '0 s': begins },
    calls: [BACK, HOLDS, FORTH],
    ends: proved,
  },
  'duplicate-start': {
    given: [canBeAsked],
    timeline: { '0 s': begins, '20 s': isStartedAgain },
    calls: [BACK, HOLDS, FORTH],
    ends: proved,
  },
};
