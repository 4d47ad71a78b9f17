import type { Curve } from '../../core/domain/correlation/evidence.ts';
import { type DurableContext, withDurableExecution } from '@aws/durable-execution-sdk-js';
import type { DurableExecutionClient, DurableLambdaHandler } from '@aws/durable-execution-sdk-js';
import { incidentActions } from '../../core/actions/paging/escalate.ts';
import { toSignal } from '../../core/domain/alerts/signal.ts';
import type { Product } from '../../functions/assembly/product.ts';
import type { IncidentChange } from '../../core/domain/ports/incidents.ts';
import { NewChange } from '../../schemas/changes/change.ts';
import { Config } from '../../schemas/config/config.ts';
import { scopeOf } from '../../core/domain/alerts/admission.ts';
import type { Mute } from '../../core/domain/alerts/routing.ts';
import type { Message } from '../../schemas/incidents/inbox.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { Signal } from '../../schemas/alerts/signal.ts';
import type { Alert } from '../../schemas/alerts/sources/index.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import { incidentResponse, type IncidentRun } from '../../workflows/incident-response.ts';
import { durableRun } from '../../workflows/run.ts';
import { wake } from '../../workflows/wake.ts';
import { FakeWorld } from '../support/fake-deps.ts';
import { arrivals } from '../support/signals.ts';
import { type Run, runOf } from './history.ts';
import { VirtualExecutions } from './virtual-executions.ts';

/** An event in a story: an alert, an action of a person, or a new answer of a vendor. */
export type Moment = (world: FakeWorld) => unknown;

/**
 * A story of one incident: its initial state and its events. Times are `5 s`, `4 min`, `2 h` or `1 d` after noon;
 * the deploys were before noon. `operations`: operations that the first run is taken to have had, so that it soon hands over.
 */
export type Story = { given?: Moment[]; timeline: Record<string, Moment>; operations?: number };

/** The result of a story: the world at its end, and the history of every run of the workflow. */
export type Played = { world: FakeWorld; runs: Run[] };

/** The most rounds of a story; more than any progressing workflow needs. After that, a workflow is considered stuck. */
const ROUNDS_MAX = 20_000;

/** Creates the durable function as deployed, with the given ports. */
export const handlerWith =
  (deps: Product, operations = 0) =>
  (client: DurableExecutionClient): DurableLambdaHandler =>
    withDurableExecution(
      (input: IncidentRun, context: DurableContext) =>
        incidentResponse(
          durableRun(context, deps.log, { operations: input.run === 1 ? operations : 0, within: null }),
          input,
          deps,
          incidentActions(deps),
        ),
      { durableExecutionClient: client },
    );

/** Plays a story until its last moment has passed and no run is active. */
export async function play({ given = [], timeline, operations }: Story): Promise<Played> {
  const world = new FakeWorld();
  const virtual = new VirtualExecutions(world.clock, handlerWith(world.deps, operations));
  world.engine = virtual;
  world.config = acting();
  await twoDeploys(world);
  for (const moment of given) await moment(world);
  return { world, runs: await liveThrough(world, virtual, timeline) };
}

/** Plays the moments of a story, and runs all executions to their end. Returns their histories. */
export async function liveThrough(
  world: FakeWorld,
  virtual: VirtualExecutions,
  timeline: Story['timeline'],
): Promise<Run[]> {
  await passThrough(world, virtual, timeline);
  const runs = virtual.executions().map((execution) => runOf(execution, virtual.history(execution.name)));
  virtual.close();
  return runs;
}

/** Plays the moments of a story, and runs all executions to their end, also those that fail. */
export async function passThrough(
  world: FakeWorld,
  virtual: VirtualExecutions,
  timeline: Story['timeline'],
): Promise<void> {
  const moments = Object.entries(timeline).map(([after, moment]) => ({
    at: world.clock.millis + millis(after),
    moment,
  }));
  for (let round = 0; ; round += 1) {
    if (round === ROUNDS_MAX) throw new Error(`not at its end after ${ROUNDS_MAX} rounds`);
    const [first] = moments;
    const timer = virtual.nextTimerAt();
    if (first === undefined && timer === undefined) break;
    world.clock.set(Math.min(first?.at ?? Infinity, timer ?? Infinity));
    await virtual.settle();
    if (first !== undefined && first.at <= world.clock.millis) await moments.shift()?.moment(world);
    await virtual.settle();
  }
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

function millis(text: string): number {
  const [, count, unit = ''] = /^([\d.]+) (s|min|h|d)$/.exec(text) ?? [];
  const size = UNITS[unit];
  if (count === undefined || size === undefined)
    throw new Error(`no time: ${text}; write it as 5 s, 4 min, 2 h or 1 d`);
  return Number(count) * size;
}

/** Returns a catalogue in which checkout in production is rolled back automatically; `more` changes the environment. */
export const acting = (more: object = {}, paging: object = {}): Config =>
  Config.parse({
    version: 'test',
    services: {
      checkout: {
        environments: {
          production: {
            deployer: { kind: 'http', url: 'http://cd.test/rollback' },
            autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act' },
            ...more,
          },
        },
      },
    },
    paging,
  });

/** Replaces the catalogue. */
export const configured =
  (more: object, paging: object = {}): Moment =>
  (world) => {
    world.config = acting(more, paging);
  };

export const mode = (name: string): Moment =>
  configured({ autoRollback: { mode: name, evidence: 'time', unknownMigration: 'act' } });

export const withHealth = configured({ health: { promql: 'job:checkout:error_ratio', max: 0.01 } });

export const deploys =
  (version: string, startedMinutesAgo: number, more: object = {}): Moment =>
  ({ deps, clock }) => {
    const started_at = plusSeconds(clock.now(), -60 * startedMinutesAgo);
    const finished_at = plusSeconds(started_at, 180);
    const serviceEnvironment = { service: 'checkout', environment: 'production' };
    return deps.changes.record(NewChange.parse({ ...serviceEnvironment, version, started_at, finished_at, ...more }));
  };

/** Deploys v1, good for hours, and v2, some minutes before the story begins. */
async function twoDeploys(world: FakeWorld): Promise<void> {
  await deploys('v1', 240)(world);
  await deploys('v2', 8)(world);
}

/** `began`: when the alert began, in seconds before it arrives. `mute`: what mutes it then. */
type AlertOptions = { labels?: Record<string, string>; name?: string; began?: number; summary?: string; mute?: Mute };

/** Keeps the start time of each alert, so that its end refers to the same alert. */
function signalOf(
  world: FakeWorld,
  { labels = {}, name = 'HighErrorRatio', began = 60, summary = `${name} of checkout` }: AlertOptions,
  status: Alert['status'],
): Signal {
  const known = world.store.startOf(name);
  const startsAt = status === 'firing' ? plusSeconds(world.clock.now(), -began) : (known ?? world.clock.now());
  const alert: Alert = {
    source: 'alertmanager',
    status,
    labels: new Map(Object.entries({ alertname: name, ...asking, ...labels })),
    annotations: new Map([['summary', summary]]),
    startsAt,
    endsAt: status === 'firing' ? null : world.clock.now(),
    fingerprint: name,
    episodic: true,
    generatorUrl: null,
  };
  return toSignal(alert, world.config);
}

const asking = { service: 'checkout', environment: 'production', severity: 'critical', action: 'auto-rollback' };

const admit = async (world: FakeWorld, signal: Signal, mute: Mute | null = null): Promise<void> => {
  // Each request has its own trace; an incident keeps the one that opened it.
  const isNew = !world.store.isOpen(scopeOf(signal));
  const receipt = { at: world.clock.now(), trace: isNew ? 'trace' : 'another trace' };
  const arrived = arrivals([signal], world.config).map((one) => ({ ...one, mute }));
  const { wake: ids } = await world.deps.incidents.admit(arrived, receipt);
  for (const id of ids) await wake(world.deps, id);
};

/** Fires an alert; by default a critical one of checkout in production that requests a rollback. */
export const fires =
  (options: AlertOptions = {}): Moment =>
  (world) =>
    admit(world, signalOf(world, options, 'firing'), options.mute);

/** Sends the notification of a firing alert again, as its sender does every few hours. */
export const repeats =
  (options: AlertOptions = {}): Moment =>
  (world) => {
    const startsAt = world.store.startOf(options.name ?? 'HighErrorRatio');
    if (startsAt === undefined) throw new Error('the alert has not fired yet');
    return admit(world, signalOf(world, { ...options, began: secondsBetween(startsAt, world.clock.now()) }, 'firing'));
  };

export const ends =
  (options: AlertOptions = {}): Moment =>
  (world) =>
    admit(world, signalOf(world, options, 'resolved'));

/** Returns the only incident of the story. */
export function theIncident(world: FakeWorld): IncidentId {
  const [id] = world.store.dossiers.keys();
  if (id === undefined) throw new Error('no incident has been opened yet');
  return id;
}

/** A person answers the waiting question of any incident. */
export const answersWhatWaits =
  (answer: 'approved' | 'rejected', by = 'person:ada'): Moment =>
  async (world) => {
    for (const id of world.store.dossiers.keys()) {
      const waiting = (await world.deps.incidents.view(id))?.decisions.find(({ state }) => state === 'waiting');
      if (waiting === undefined) continue;
      await world.deps.decisions.answer(id, waiting.digest, answer, by, '');
      await wake(world.deps, id);
    }
  };

/** A person answers, and the process dies before it wakes the incident. */
export const answersWithoutRinging =
  (answer: 'approved' | 'rejected', by = 'person:ada'): Moment =>
  async (world) => {
    const id = theIncident(world);
    const waiting = (await world.deps.incidents.view(id))?.decisions.find(({ state }) => state === 'waiting');
    if (waiting === undefined) throw new Error('no decision waits for an answer');
    await world.deps.decisions.answer(id, waiting.digest, answer, by, '');
  };

/** A person answers the waiting question. */
export const answers = (answer: 'approved' | 'rejected'): Moment =>
  all(answersWithoutRinging(answer), (world) => wake(world.deps, theIncident(world)));

/** The process dies once, right after a call of a port, as in `diesAfter('decisions.withdraw')`; the step is repeated. */
export const diesAfter =
  (method: string): Moment =>
  (world) => {
    let isFirst = true;
    world.on(method, {
      after: () => {
        if (!isFirst) return;
        isFirst = false;
        throw new Error('the process has died');
      },
    });
  };

/** A person sends a message, as through the API. */
export const says =
  (message: Message, change: IncidentChange = {}): Moment =>
  async (world) => {
    const id = theIncident(world);
    await world.deps.incidents.post(id, message, change);
    await wake(world.deps, id);
  };

export const pauses =
  (paused: boolean): Moment =>
  ({ deps }) =>
    deps.automation.write({ paused, reason: null, mode: null, services: {} }, 'person:ada');

/** Combines several moments, in order, at the same time. */
export const all =
  (...moments: Moment[]): Moment =>
  async (world) => {
    for (const moment of moments) await moment(world);
  };

/** Builds a sample every 30 seconds, or at another step, the last one at `until`. */
export function samplesOf(from: Timestamp, until: Timestamp, value: (at: Timestamp) => number, step = 30): Curve {
  const count = Math.floor(secondsBetween(from, until) / step);
  return Array.from({ length: count + 1 }, (_, index) => plusSeconds(until, step * (index - count))).map(
    (at) => [at, value(at)] as const,
  );
}
