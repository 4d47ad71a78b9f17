import { type DurableContext, withDurableExecution } from '@aws/durable-execution-sdk-js';
import { recordExperiment, sendExperimentRequest, startOrphanedExperiments } from '../actions/record-experiment.ts';
import { muteOf, mutesNow, recordExplained } from '../../../core/actions/alerts/muted-by.ts';
import type { Table } from '../../../core/stores/table.ts';
import { ExperimentTable } from '../store.ts';
import type { ChaosReading } from '../decisions/progress.ts';
import type { Attempt } from '../../../core/domain/ports/common.ts';
import type { FeatureDeps } from '../../manifest.ts';
import { Config } from '../../../schemas/config/config.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import {
  type ExpectedAlert,
  type ExperimentEvent,
  ExperimentId,
  type ExperimentRecord,
  NewExperiment,
  type Observation,
} from '../experiment.ts';
import { millisOf, timestamp } from '../../../schemas/time/time.ts';
import { type ExperimentPorts, withPorts } from '../ports.ts';
import { experiment } from '../workflow.ts';
import { durableRun } from '../../../workflows/run.ts';
import { mintIncidentId } from '../../../core/stores/ids.ts';
import { FakeWorld } from '../../../test/support/fake-deps.ts';
import { addFeature } from '../../../test/support/feature-deps.ts';
import { signal } from '../../../test/support/signals.ts';
import type { Run } from '../../../test/workflows/history.ts';
import { all, type handlerWith, liveThrough, type Moment, type Story } from '../../../test/workflows/play.ts';
import { VirtualExecutions } from '../../../test/workflows/virtual-executions.ts';

/** Stories of chaos experiments. They use a real table; Prometheus and the chaos system are scripted. */

export const experimentHandlerWith: typeof handlerWith = (deps) => (client) =>
  withDurableExecution(
    (input: { experimentId: ExperimentId; run: number }, context: DurableContext) =>
      experiment(durableRun(context, deps.log), input, withPorts(deps)),
    { durableExecutionClient: client },
  );

/** What Prometheus answers now, and in the period before. Null: no result. */
type Metrics = { now: number | null; before: number | null };

export type ExperimentWorld = {
  world: FakeWorld;
  experiments: ExperimentTable;
  virtual: VirtualExecutions;
  metrics: Metrics;
  reading: ChaosReading;
  /** Responses to stops; the last one repeats. */
  stops: Attempt[];
  /** What was done outside, in order. */
  log: string[];
  service: ServiceName;
  counted: string[];
};

export type ExperimentPath = Story & {
  /** Kinds of the events. */
  events: string;
  ends: object;
  log?: string[];
  expected?: number;
};

const worlds = new WeakMap<FakeWorld, ExperimentWorld>();

function of(world: FakeWorld): ExperimentWorld {
  const known = worlds.get(world);
  if (known === undefined) throw new Error('this world has no experiments');
  return known;
}

const environment = EnvironmentName.parse('production');

/** Creates a world with a service of its own, because the stories share a table. */
export function experimentWorld(table: Table, number: number): ExperimentWorld {
  const world = new FakeWorld();
  const counted: string[] = [];
  const counters = {
    add: async (counts: readonly { name: string; labels: readonly string[] }[]) =>
      void counted.push(...counts.map(({ name, labels }) => `${name} ${labels.join(' ')}`)),
    read: async () => [],
  };
  const experiments = new ExperimentTable(table, counters);
  const virtual = new VirtualExecutions(world.clock, experimentHandlerWith(world.deps));
  const service = ServiceName.parse(`svc-${number}`);
  const known: ExperimentWorld = {
    world,
    experiments,
    virtual,
    metrics: { now: 0.001, before: 0.001 },
    reading: { kind: 'running', detail: 'it is running', verdict: null },
    stops: [{ kind: 'taken', detail: 'stopped' }],
    log: [],
    service,
    counted,
  };
  const own = async () => (await experiments.unfinished()).filter(({ scope }) => scope[0]?.service === service);
  const ports: Partial<FeatureDeps> = {
    silences: { active: async () => [], inhibitsSlowBurns: async () => false },
    metricQueries: {
      instant: async (_, at) => seriesOf([[millisOf(at) / 1000, known.metrics.now]]),
      range: async (_, from, until, step) => {
        const times: [number, number | null][] = [];
        for (let at = millisOf(from) / 1000; at <= millisOf(until) / 1000; at += 4 * step)
          times.push([at, known.metrics.before]);
        return seriesOf(times);
      },
    },
    queue: {
      sendAll: async ({ id }, signals) => {
        if (id.endsWith('-not-stopped')) known.log.push(`alert: ${signals.map(({ title }) => title).join()}`);
        else known.log.push(`released ${signals.length}`);
      },
    },
    engine: {
      ...world.deps.engine,
      completeCallback: async (id) => virtual.completeCallback(id),
    },
  };
  Object.assign(world.deps, ports);
  addFeature(world.deps, 'experiments', {
    experiments: new Proxy(experiments, {
      get(target, key) {
        const method: unknown = key === 'unfinished' ? own : Reflect.get(target, key);
        return typeof method === 'function' ? (method.bind(target) as unknown) : method;
      },
    }),
    experimentRuns: { start: async (id, run) => begin(virtual, id, run) },
    chaosSystemFor: async () => ({
      target: 'https://chaos.test',
      read: async () => known.reading,
      stop: async () => {
        const [response] = known.stops.length > 1 ? known.stops.splice(0, 1) : known.stops;
        known.log.push(`stop: ${response?.kind}`);
        return response ?? { kind: 'off', detail: '' };
      },
    }),
    chaosObjectsOf: async () => undefined,
  } satisfies ExperimentPorts);
  world.engine = virtual;
  world.config = Config.parse({
    version: 'test',
    paging: {},
    services: {
      [service]: {
        environments: {
          production: { experiments: { chaos: { kind: 'http', url: 'https://chaos.test' }, graceMinutes: 2 } },
        },
      },
    },
  });
  worlds.set(world, known);
  return known;
}

const seriesOf = (values: [number, number | null][]) => {
  const found = values.filter((one): one is [number, number] => one[1] !== null);
  return { kind: 'series' as const, series: found.length === 0 ? [] : [{ labels: {}, values: found }] };
};

/** Starting an execution twice has no effect, as at the engine. */
function begin(virtual: VirtualExecutions, experimentId: ExperimentId, run: number): string {
  const execution = `test-${experimentId}-${run}`;
  const isKnown = virtual.executions().some(({ name }) => name === execution);
  return isKnown ? execution : virtual.begin(experimentId, run, { experimentId, run });
}

type PlayedExperiment = {
  record: ExperimentRecord | undefined;
  runs: Run[];
  events: ExperimentEvent[];
  observations: Observation[];
  alerts: ExpectedAlert[];
};

export async function playExperiment(
  known: ExperimentWorld,
  { given = [], timeline }: Story,
): Promise<PlayedExperiment> {
  const { world, virtual, experiments, service } = known;
  for (const moment of given) await moment(world);
  const runs = await liveThrough(world, virtual, timeline);
  const { items } = await experiments.list({ service, limit: 5 });
  const id = items[0]?.id;
  if (id === undefined) return { record: undefined, runs, events: [], observations: [], alerts: [] };
  const [record, events, observations, alerts] = await Promise.all([
    experiments.get(id),
    experiments.events(id),
    experiments.observations(id),
    experiments.expected(id),
  ]);
  return { record, runs, events, observations, alerts };
}

const caller = { name: 'token:ci', allow: () => undefined };

/** The experiment is recorded: one check, five minutes, one measurement each minute. */
export const records =
  (more: object = {}): Moment =>
  async (world) => {
    const asked = NewExperiment.parse({
      name: 'kill one pod',
      scope: [{ service: of(world).service, environment }],
      hypothesis: 'It survives the loss of one pod',
      checks: [{ name: 'errors', promql: 'job:error_ratio', max: 0.02, abort_above: 0.2 }],
      status: 'running',
      duration_seconds: 300,
      interval_seconds: 60,
      abort_alerts: [{ alertname: 'DataLoss' }],
      run: { kind: 'http', id: 'run-1' },
      ...more,
    });
    const id = ExperimentId.parse(mintIncidentId(world.clock.now()));
    await recordExperiment(withPorts(world.deps), caller, { id, experiment: asked, trace: '0'.repeat(32) });
  };

export const asks =
  (kind: 'start' | 'finish' | 'stop'): Moment =>
  async ({ deps }) => {
    for (const { id } of await withPorts(deps).experiments.unfinished())
      await sendExperimentRequest(withPorts(deps), caller, id, { kind, reason: `${kind} by ada` });
  };

export const measures =
  (more: Partial<Metrics>): Moment =>
  (world) =>
    void Object.assign(of(world).metrics, more);

export const reads =
  (reading: ChaosReading): Moment =>
  (world) =>
    void Object.assign(of(world), { reading });

export const stopsWith =
  (...responses: Attempt[]): Moment =>
  (world) =>
    void of(world).stops.splice(0, Infinity, ...responses);

/** An alert of the service arrives, as the router handles it. */
export const alerts =
  (alertname: string): Moment =>
  async (world) => {
    const { deps } = world;
    const { service, log } = of(world);
    const one = signal({
      service,
      environment,
      title: alertname,
      labels: [['alertname', alertname]],
      startsAt: timestamp(world.clock.millis),
      episode: `${alertname}-${service}`,
    });
    const mutes = await mutesNow(deps, [one]);
    const mute = muteOf(one, mutes);
    log.push(`${alertname}: ${mute?.by ?? 'real'}`);
    await recordExplained([{ signal: one, mute }], mutes);
  };

export const runFails: Moment = async (world) => {
  const { virtual } = of(world);
  for (const { id, run_number: run } of await withPorts(world.deps).experiments.unfinished()) virtual.kill(id, run);
  await startOrphanedExperiments(withPorts(world.deps));
};

export const isSwept: Moment = ({ deps }) => startOrphanedExperiments(withPorts(deps));

export const isDown =
  (seconds: number): Moment =>
  ({ clock }) =>
    clock.set(clock.millis + 1000 * seconds);

/** An incident of the service opens. */
const incidentOpens: Moment = async (world) => {
  const { service } = of(world);
  await world.deps.incidents.declare({
    service,
    environment,
    title: 'Orders fail',
    severity: 'critical',
    by: 'ada',
    trace: '0'.repeat(32),
  });
};

const START = '0 s';
const held = {
  status: 'ended',
  conclusion: { outcome: 'held' },
  ending: { code: 'completed' },
  stop: { state: 'confirmed' },
};
const COMPLETE = 'created steady started stopping stopped settling ended';

export const experimentPaths: Record<string, ExperimentPath> = {
  'hypothesis-holds': {
    timeline: { [START]: records(), '90 s': alerts('HighErrorRatio') },
    events: COMPLETE,
    ends: held,
    log: ['HighErrorRatio: experiment', 'stop: taken'],
    expected: 1,
  },
  'planned-experiment-waits-for-its-start': {
    timeline: {
      [START]: records({ status: 'planned' }),
      '30 s': alerts('HighErrorRatio'),
      '2 min': asks('start'),
      '3 min': alerts('HighErrorRatio'),
      '4 min': asks('finish'),
    },
    events: 'created steady started stopped settling ended',
    ends: { ...held, ending: { code: 'finished' }, stop: { state: 'not_asked' } },
    log: ['HighErrorRatio: real', 'HighErrorRatio: experiment'],
    expected: 1,
  },
  'steady-state-does-not-hold': {
    given: [measures({ before: 0.1 })],
    timeline: { [START]: records({ status: 'planned' }), '1 min': alerts('HighErrorRatio') },
    events: 'created steady ended',
    ends: { started_at: null, conclusion: { outcome: 'inconclusive', because: 'not_steady' } },
    log: ['HighErrorRatio: real'],
  },
  'running-experiment-without-steady-state-is-stopped': {
    given: [measures({ before: null, now: null })],
    timeline: { [START]: records() },
    events: 'created steady abort stopping stopped ended',
    ends: { ending: { code: 'not_steady' }, conclusion: { outcome: 'inconclusive', because: 'not_steady' } },
    log: ['stop: taken'],
  },
  'hypothesis-fails': {
    timeline: { [START]: records(), '100 s': measures({ now: 0.05 }), '200 s': measures({ now: 0.001 }) },
    events: COMPLETE,
    ends: { conclusion: { outcome: 'failed', because: 'outside_limits', recovered: true } },
    log: ['stop: taken'],
  },
  'limit-aborts': {
    timeline: { [START]: records(), '100 s': measures({ now: 0.5 }), '10 min': alerts('HighErrorRatio') },
    events: 'created steady started abort stopping stopped ended',
    ends: { ending: { code: 'abort_check' }, conclusion: { outcome: 'failed', because: 'aborted' } },
    log: ['stop: taken', 'HighErrorRatio: real'],
  },
  'missing-measurements-abort': {
    timeline: {
      [START]: records({ missing_limit: 1 }),
      '50 s': measures({ now: null }),
      '80 s': measures({ now: 0.001 }),
      '120 s': measures({ now: null }),
      '10 min': alerts('HighErrorRatio'),
    },
    events: 'created steady started abort stopping stopped ended',
    ends: { ending: { code: 'abort_missing' }, conclusion: { outcome: 'inconclusive', because: 'not_measured' } },
    log: ['stop: taken', 'HighErrorRatio: real'],
  },
  'limit-aborts-without-a-chaos-system': {
    timeline: { [START]: records({ run: null }), '100 s': measures({ now: 0.5 }) },
    events: 'created steady started abort stopped ended',
    ends: { ending: { code: 'abort_check' }, stop: { state: 'not_asked' } },
    log: ['alert: The experiment kill one pod may still run: stop it by hand'],
  },
  'alert-aborts-at-once': {
    timeline: { [START]: records(), '70 s': alerts('DataLoss'), '75 s': alerts('DataLoss') },
    events: 'created steady started abort stopping stopped ended',
    ends: { ending: { code: 'abort_alert', at: atSecond(70) }, conclusion: { outcome: 'failed', because: 'aborted' } },
    log: ['DataLoss: experiment', 'stop: taken', 'DataLoss: real'],
    expected: 1,
  },
  'stop-is-retried': {
    given: [
      stopsWith({ kind: 'later', detail: 'no answer', afterSeconds: null }, { kind: 'taken', detail: 'stopped' }),
    ],
    timeline: { [START]: records(), '70 s': alerts('DataLoss') },
    events: 'created steady started abort stopping stopped ended',
    ends: { stop: { state: 'confirmed' }, stop_attempts: 2 },
    log: ['DataLoss: experiment', 'stop: later', 'stop: taken'],
  },
  'stop-is-never-confirmed': {
    given: [stopsWith({ kind: 'later', detail: 'no answer', afterSeconds: null })],
    timeline: { [START]: records(), '70 s': alerts('DataLoss') },
    events: 'created steady started abort stopping stopped ended',
    // Six attempts, with five seconds between them.
    ends: { stop: { state: 'unconfirmed', detail: 'no answer' }, stop_attempts: 6, stopped_at: atSecond(95) },
    log: [
      'DataLoss: experiment',
      ...Array.from({ length: 6 }, () => 'stop: later'),
      'alert: The experiment kill one pod may still run: stop it by hand',
    ],
  },
  'chaos-system-ends-first': {
    timeline: {
      [START]: records(),
      '100 s': reads({
        kind: 'ended',
        detail: 'completed',
        verdict: { verdict: 'failed', text: 'probe p99 failed', probes: [] },
      }),
    },
    events: 'created steady started stopped settling ended',
    ends: { ending: { code: 'chaos_ended' }, conclusion: { outcome: 'failed', because: 'chaos_verdict' } },
    log: [],
  },
  'person-stops': {
    timeline: { [START]: records(), '100 s': asks('stop') },
    events: 'created steady started stopping stopped settling ended',
    ends: {
      ending: { code: 'stopped', by: 'token:ci' },
      conclusion: { outcome: 'inconclusive', because: 'stopped_early' },
    },
    log: ['stop: taken'],
  },
  'incident-opens-before-the-start': {
    timeline: {
      [START]: records({ status: 'planned' }),
      '2 min': incidentOpens,
      '3 min': asks('start'),
      '4 min': alerts('HighErrorRatio'),
    },
    events: 'created steady steady abort stopping stopped ended',
    ends: { ending: { code: 'incident_open' }, conclusion: { outcome: 'inconclusive', because: 'not_steady' } },
    log: ['stop: taken', 'HighErrorRatio: real'],
  },
  'person-stops-before-the-steady-state-is-measured': {
    timeline: { [START]: all(records({ name: `${'n'.repeat(99)}🔥` }), asks('stop')) },
    events: 'created steady started stopping stopped settling ended',
    ends: { ending: { code: 'stopped', by: 'token:ci' }, stop: { state: 'confirmed' } },
    log: ['stop: taken'],
  },
  'never-started': {
    timeline: { [START]: records({ status: 'planned' }) },
    events: 'created steady ended',
    ends: { ending: { code: 'never_started' }, conclusion: { outcome: 'inconclusive', because: 'not_started' } },
    log: [],
  },
  'next-run-continues-after-a-crash': {
    timeline: { [START]: records(), '100 s': runFails },
    events: COMPLETE,
    ends: { ...held, run_number: 2 },
    log: ['stop: taken'],
  },
  'nothing-runs-for-a-while': {
    timeline: { [START]: records(), '70 s': all(isDown(1200), alerts('HighErrorRatio')) },
    events: COMPLETE,
    ends: { ending: { code: 'completed' } },
    log: ['HighErrorRatio: real', 'stop: taken'],
  },
};

/** The abort at second 70 does not wait for the next measurement. */
function atSecond(second: number): string {
  return timestamp(new FakeWorld().clock.millis + 1000 * second);
}
