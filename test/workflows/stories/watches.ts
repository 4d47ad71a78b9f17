import { type DurableContext, withDurableExecution } from '@aws/durable-execution-sdk-js';
import { tendWatches, watchDeploy } from '../../../core/actions/judge/watches.ts';
import type { Table } from '../../../core/stores/table.ts';
import { WatchTable } from '../../../core/stores/judge/watches.ts';
import { newestLiveChange } from '../../../core/domain/changes/versions.ts';
import { watchIdOf } from '../../../core/domain/judge/watch.ts';
import type { Product } from '../../../functions/assembly/product.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { WatchId, WatchRecord } from '../../../schemas/judge/watch.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { deployWatch } from '../../../workflows/deploy-watch.ts';
import { durableRun } from '../../../workflows/run.ts';
import { FakeWorld } from '../../support/fake-deps.ts';
import type { Run } from '../history.ts';
import { acting, all, deploys, type handlerWith, liveThrough, type Moment, type Story } from '../play.ts';
import { VirtualExecutions } from '../virtual-executions.ts';

/** Stories of watches. They use a real table; versions are measured over HTTP by a scripted probe. */

export const watchHandlerWith: typeof handlerWith = (deps) => (client) =>
  withDurableExecution(
    (input: { watchId: WatchId; run: number }, context: DurableContext) =>
      deployWatch(durableRun(context, deps.log), input, deps),
    { durableExecutionClient: client },
  );

export const place = { service: ServiceName.parse('checkout'), environment: EnvironmentName.parse('production') };

/** A story of the watch of one deploy, with its checks in a line, its outcome, and the alerts that it sends. */
export type WatchPath = Story & {
  checks: string;
  ends: Pick<WatchRecord, 'outcome' | 'reason'>;
  /** Alert names, with `-` before those that end. */
  alerts?: string[];
  startup?: Partial<WatchRecord['startup']>;
};

/** What the scripted probe answers, per check; the last answer repeats. Null: it could not be measured. */
type Answers = (number | null)[];

export type WatchWorld = {
  world: FakeWorld;
  watches: WatchTable;
  virtual: VirtualExecutions;
  answers: Answers;
  sent: Signal[];
  versions: { first: string; next: string };
};

const worlds = new WeakMap<FakeWorld, WatchWorld>();

/** Hides the watches of other stories in the same table. */
function ownOf(watches: WatchTable, versions: WatchWorld['versions']): WatchTable {
  const own = async () =>
    (await watches.unfinished()).filter(({ version }) => Object.values(versions).includes(version));
  return new Proxy(watches, {
    get(target, key) {
      const method: unknown = key === 'unfinished' ? own : Reflect.get(target, key);
      return typeof method === 'function' ? (method.bind(target) as unknown) : method;
    },
  });
}

/** @throws if the world was not created for a watch */
function of(world: FakeWorld): WatchWorld {
  const known = worlds.get(world);
  if (known === undefined) throw new Error('this world has no watches');
  return known;
}

const probe = { kind: 'http', name: 'probe', url: 'https://shop.test/health' };

/** Creates a world with a watched service. @param number of the story: part of its versions, and so of its IDs */
export function watchWorld(table: Table, number: number, answers: Answers = [0]): WatchWorld {
  const world = new FakeWorld();
  const watches = new WatchTable(table, { add: async () => undefined, read: async () => [] });
  const virtual = new VirtualExecutions(world.clock, watchHandlerWith(world.deps));
  const versions = { first: `v${number}.1`, next: `v${number}.2` };
  const known: WatchWorld = { world, watches, virtual, answers: [...answers], sent: [], versions };
  const ports: Partial<Product> = {
    watches: ownOf(watches, versions),
    runs: { ...world.deps.runs, watch: { start: async (id, run) => begin(virtual, id, run) } },
    judgeMetrics: { derived: () => [], measure: async () => measured(known.answers) },
    queue: { sendAll: async (_, signals) => void known.sent.push(...signals) },
  };
  Object.assign(world.deps, ports);
  world.engine = virtual;
  world.config = acting({ watch: { checks: 5, intervalSeconds: 30 }, judge: { metrics: [probe] } });
  worlds.set(world, known);
  return known;
}

function measured(answers: Answers): { value: number | null; detail: string } {
  const value = answers.length > 1 ? answers.shift() : answers[0];
  return { value: value ?? null, detail: value == null ? 'no answer in time' : value === 0 ? '' : 'answered 500' };
}

/** Starting an execution twice has no effect, as at the engine. */
function begin(virtual: VirtualExecutions, watchId: WatchId, run: number): string {
  const execution = `test-${watchId}-${run}`;
  const isKnown = virtual.executions().some(({ name }) => name === execution);
  return isKnown ? execution : virtual.begin(watchId, run, { watchId, run });
}

export async function playWatch(
  table: Table,
  number: number,
  { given = [], timeline }: Story,
): Promise<{ watch: WatchRecord | undefined; runs: Run[]; sent: Signal[] }> {
  const { world, virtual, watches, versions, sent } = watchWorld(table, number);
  await deploys(`v${number}.0`, 240)(world);
  for (const moment of given) await moment(world);
  const runs = await liveThrough(world, virtual, timeline);
  const watched = (await world.deps.changes.recent(place, 50)).find(({ version }) => version === versions.first);
  return { watch: watched && (await watches.get(watchIdOf(watched.id))), runs, sent };
}

/** A deploy of the watched service ends now. */
export const deploy =
  (which: 'first' | 'next', more: object = {}): Moment =>
  async (world) => {
    const { versions } = of(world);
    await deploys(versions[which], 3, more)(world);
    const change = newestLiveChange(await world.deps.changes.recent(place, 50));
    if (change === undefined) throw new Error('nothing was deployed');
    await watchDeploy(world.deps, change);
    // The same report comes twice.
    await watchDeploy(world.deps, change);
  };

export const answers =
  (...given: Answers): Moment =>
  (world) =>
    void of(world).answers.splice(0, Infinity, ...given);

/** No process runs for a while. */
export const isDown =
  (seconds: number): Moment =>
  ({ clock }) =>
    clock.set(clock.millis + 1000 * seconds);

/** The active run fails, and the sweeper starts the next one. */
export const runFails: Moment = async (world) => {
  const { virtual } = of(world);
  for (const { id, run, ended_at } of await world.deps.watches.unfinished())
    if (ended_at === null) virtual.kill(id, run);
  await tendWatches(world.deps);
};

export const isSwept: Moment = ({ deps }) => tendWatches(deps);

export const isStartedAgain: Moment = async (world) => {
  const { virtual } = of(world);
  for (const { id, ended_at } of await world.deps.watches.unfinished()) if (ended_at === null) begin(virtual, id, 7);
};

const rollsBack: Moment = deploys('v0', 0, { kind: 'rollback' });

const unwatched: Moment = (world) => {
  world.config = acting({ judge: { metrics: [probe] } });
};

const START = '0 s';
const passed = { outcome: 'healthy', reason: 'probe: 0; the limit is 0' } as const;

export const watchPaths: Record<string, WatchPath> = {
  'healthy-version': {
    timeline: { [START]: deploy('first') },
    checks: '1? 2? 3+ 4+ 5+',
    ends: passed,
    startup: { seconds: 30, slow: false },
  },
  'degraded-version-is-handed-over': {
    given: [answers(0, 1, 1, 1)],
    timeline: {
      [START]: deploy('first'),
      '5 min': isSwept,
      '6 min': all(answers(0), deploy('next')),
      '7 min': isSwept,
    },
    checks: '1? 2? 3? 4-',
    ends: { outcome: 'degraded', reason: 'probe: 1, above the limit of 0 in the newest 3 checks' },
    alerts: ['DeployDegraded', '-DeployDegraded'],
  },
  'unmeasured-version-is-inconclusive': {
    given: [answers(null)],
    timeline: { [START]: deploy('first') },
    checks: '1? 2? 3? 4? 5?',
    ends: { outcome: 'inconclusive', reason: 'probe: no answer in time' },
    alerts: ['DeployInconclusive', 'DeployStartSlow'],
    startup: { seconds: null, slow: true },
  },
  'version-that-starts-slowly': {
    given: [answers(1, 1, 0)],
    timeline: { [START]: deploy('first') },
    checks: '1? 2? 3? 4? 5+',
    ends: passed,
    alerts: ['DeployStartSlow'],
    startup: { seconds: 90, slow: true },
  },
  'version-that-never-starts': {
    given: [answers(1)],
    timeline: { [START]: deploy('first') },
    checks: '1? 2? 3-',
    ends: { outcome: 'degraded', reason: 'probe: 1, above the limit of 0 in the newest 3 checks' },
    alerts: ['DeployDegraded', 'DeployStartSlow'],
    startup: { seconds: null, slow: true },
  },
  'newer-deploy-takes-over': {
    timeline: { [START]: deploy('first'), '70 s': deploy('next') },
    checks: '1? 2?',
    ends: { outcome: 'superseded', reason: 'NEXT was deployed meanwhile' },
  },
  'rollback-takes-over': {
    timeline: { [START]: deploy('first'), '70 s': rollsBack },
    checks: '1? 2?',
    ends: { outcome: 'superseded', reason: 'rolled back to v0' },
  },
  'no-longer-configured': {
    timeline: { [START]: deploy('first'), '40 s': unwatched },
    checks: '1?',
    ends: { outcome: 'stopped', reason: 'the catalogue no longer watches the service in this environment' },
  },
  'checks-are-missed-while-nothing-runs': {
    timeline: { [START]: deploy('first'), '40 s': isDown(60) },
    checks: '1? 2x 3? 4+ 5+',
    ends: passed,
  },
  'last-check-is-done-late': {
    timeline: { [START]: deploy('first'), '40 s': isDown(3600) },
    checks: '1? 2x 3x 4x 5?',
    ends: { outcome: 'inconclusive', reason: 'probe: 0 in 2 of the 3 checks that are needed; the limit is 0' },
    alerts: ['DeployInconclusive'],
  },
  'next-run-continues-after-a-crash': {
    timeline: { [START]: deploy('first'), '70 s': runFails },
    checks: '1? 2? 3+ 4+ 5+',
    ends: passed,
  },
  'crash-between-a-check-and-its-record': {
    given: [(world) => world.dieAfter(3)],
    timeline: { [START]: deploy('first') },
    checks: '1? 2? 3+ 4+ 5+',
    ends: passed,
  },
  'duplicate-start': {
    timeline: { [START]: deploy('first'), '40 s': isStartedAgain },
    checks: '1? 2? 3+ 4+ 5+',
    ends: passed,
  },
  'sweeper-starts-what-was-not-started': {
    given: [
      (world) =>
        void Object.assign(world.deps, {
          runs: { ...world.deps.runs, watch: { start: () => Promise.reject(new Error('Lambda does not answer')) } },
        }),
    ],
    timeline: {
      [START]: deploy('first'),
      '20 s': all((world) => {
        const { virtual } = of(world);
        Object.assign(world.deps, {
          runs: { ...world.deps.runs, watch: { start: async (id: WatchId, run: number) => begin(virtual, id, run) } },
        });
      }, isSwept),
    },
    checks: '1? 2? 3+ 4+ 5+',
    ends: passed,
  },
  'version-that-failed-for-a-while': {
    given: [answers(0, 1, 1, 0)],
    timeline: { [START]: deploy('first') },
    checks: '1? 2? 3? 4? 5?',
    ends: {
      outcome: 'inconclusive',
      reason: 'probe: above the limit of 0 in 2 of 5 checks, last 1 at 12:01 UTC: answered 500',
    },
    alerts: ['DeployInconclusive'],
  },
};
