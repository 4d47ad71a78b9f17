import { type DurableContext, withDurableExecution } from '@aws/durable-execution-sdk-js';
import type { DurableExecutionClient, DurableLambdaHandler } from '@aws/durable-execution-sdk-js';
import { toSignal } from '../../domain/alerts/signal.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentChange } from '../../domain/ports/incidents.ts';
import { NewChange } from '../../schemas/changes/change.ts';
import { Config } from '../../schemas/config/config.ts';
import type { Message } from '../../schemas/incidents/inbox.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { Alert, Signal } from '../../schemas/alerts/signal.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import { incidentResponse, type IncidentRun } from '../../workflows/incident-response.ts';
import { durableRun } from '../../workflows/run.ts';
import { wake } from '../../workflows/wake.ts';
import { FakeWorld } from '../support/fake-deps.ts';
import { arrivals } from '../support/signals.ts';
import { type Run, runOf } from './history.ts';
import { VirtualLambda } from './virtual-lambda.ts';

/** Something that happens to the world: an alert, a person, a vendor that changes its mind. */
export type Moment = (world: FakeWorld) => unknown;

/**
 * A story of one incident: what the world is like, and what happens when. Times are `5 s`, `4 min`, `2 h` or `1 d`
 * after noon; the deploys were before.
 */
export type Story = { given?: Moment[]; timeline: Record<string, Moment> };

/** How it went: the world as it is at the end, and the history of every run of the workflow. */
export type Played = { world: FakeWorld; runs: Run[] };

/** Longer than the longest pause of a workflow that gets on; after so many there is one that does not. */
const ROUNDS_MAX = 20_000;

/** The durable function as it is deployed, with other ports. */
export const handlerWith =
  (deps: Deps) =>
  (client: DurableExecutionClient): DurableLambdaHandler =>
    withDurableExecution(
      (input: IncidentRun, context: DurableContext) => incidentResponse(durableRun(context, deps.log), input, deps),
      { durableExecutionClient: client },
    );

/** Plays a story to its end: until its last moment has come and nothing runs any more. */
export async function play({ given = [], timeline }: Story): Promise<Played> {
  const world = new FakeWorld();
  const lambda = new VirtualLambda(world.clock, handlerWith(world.deps));
  world.engine = lambda;
  world.config = acting();
  await twoDeploys(world);
  for (const moment of given) await moment(world);
  return { world, runs: await liveThrough(world, lambda, timeline) };
}

/** Lets the moments of a story come, and all that runs run, to its end. Gives the histories of what has run. */
export async function liveThrough(
  world: FakeWorld,
  lambda: VirtualLambda,
  timeline: Story['timeline'],
): Promise<Run[]> {
  const moments = Object.entries(timeline).map(([after, moment]) => ({
    at: world.clock.millis + millis(after),
    moment,
  }));
  for (let round = 0; ; round += 1) {
    if (round === ROUNDS_MAX) throw new Error(`not at its end after ${ROUNDS_MAX} rounds`);
    const [first] = moments;
    const timer = lambda.nextTimerAt();
    if (first === undefined && timer === undefined) break;
    world.clock.set(Math.min(first?.at ?? Infinity, timer ?? Infinity));
    await lambda.settle();
    if (first !== undefined && first.at <= world.clock.millis) await moments.shift()?.moment(world);
    await lambda.settle();
  }
  const runs = lambda.executions().map((execution) => runOf(execution, lambda.history(execution.arn)));
  lambda.close();
  return runs;
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

function millis(text: string): number {
  const [, count, unit = ''] = /^([\d.]+) (s|min|h|d)$/.exec(text) ?? [];
  const size = UNITS[unit];
  if (count === undefined || size === undefined)
    throw new Error(`no time: ${text}; write it as 5 s, 4 min, 2 h or 1 d`);
  return Number(count) * size;
}

/** A catalogue in which checkout in production is rolled back without asking; `more` alters the environment. */
export const acting = (more: object = {}, paging: object = {}): Config =>
  Config.parse({
    version: 'test',
    services: {
      checkout: {
        environments: {
          production: {
            deployer: { kind: 'http', url: 'http://cd.test/rollback' },
            autoRollback: { mode: 'act', unknownMigration: 'act' },
            ...more,
          },
        },
      },
    },
    paging,
  });

/** The catalogue has it otherwise. */
export const configured =
  (more: object, paging: object = {}): Moment =>
  (world) => {
    world.config = acting(more, paging);
  };

export const mode = (name: string): Moment => configured({ autoRollback: { mode: name, unknownMigration: 'act' } });

export const withHealth = configured({ health: { promql: 'job:checkout:error_ratio', max: 0.01 } });

export const deploys =
  (version: string, startedMinutesAgo: number, more: object = {}): Moment =>
  ({ deps, clock }) => {
    const started_at = plusSeconds(clock.now(), -60 * startedMinutesAgo);
    const finished_at = plusSeconds(started_at, 180);
    const place = { service: 'checkout', environment: 'production' };
    return deps.changes.record(NewChange.parse({ ...place, version, started_at, finished_at, ...more }));
  };

/** v1 good for hours, v2 rolled out some minutes before the story begins. */
async function twoDeploys(world: FakeWorld): Promise<void> {
  await deploys('v1', 240)(world);
  await deploys('v2', 8)(world);
}

/** `began`: so many seconds before it is told. */
type AlertOptions = { labels?: Record<string, string>; name?: string; began?: number };

/** Alerts remember when they began, so that one that ends is the one that fired. */
function signalOf(
  world: FakeWorld,
  { labels = {}, name = 'HighErrorRatio', began = 60 }: AlertOptions,
  status: Alert['status'],
): Signal {
  const known = [...world.store.episodes.values()].findLast(({ signal }) => signal.fingerprint === name)?.startsAt;
  const startsAt = status === 'firing' ? plusSeconds(world.clock.now(), -began) : (known ?? world.clock.now());
  const alert: Alert = {
    source: 'alertmanager',
    status,
    labels: new Map(Object.entries({ alertname: name, ...asking, ...labels })),
    annotations: new Map([['summary', `${name} of checkout`]]),
    startsAt,
    endsAt: status === 'firing' ? null : world.clock.now(),
    fingerprint: name,
    episodic: true,
    generatorUrl: null,
  };
  return toSignal(alert, world.config.services);
}

const asking = { service: 'checkout', environment: 'production', severity: 'critical', action: 'auto-rollback' };

const admit = async (world: FakeWorld, signal: Signal): Promise<void> => {
  const receipt = { at: world.clock.now(), trace: 'trace' };
  const { wake: ids } = await world.deps.incidents.admit(arrivals([signal], world.config), receipt);
  for (const id of ids) await wake(world.deps, id);
};

/** A critical alert of checkout in production that asks for a rollback, unless said otherwise. */
export const fires =
  (options: AlertOptions = {}): Moment =>
  (world) =>
    admit(world, signalOf(world, options, 'firing'));

export const ends =
  (options: AlertOptions = {}): Moment =>
  (world) =>
    admit(world, signalOf(world, options, 'resolved'));

/** The incident of the story; there is but one. */
export function theIncident(world: FakeWorld): IncidentId {
  const [id] = world.store.dossiers.keys();
  if (id === undefined) throw new Error('no incident has been opened yet');
  return id;
}

/** Somebody answers the question that waits, of whichever incident it is. */
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

/** Somebody answers, and the process dies right after it. */
export const answersWithoutRinging =
  (answer: 'approved' | 'rejected', by = 'person:ada'): Moment =>
  async (world) => {
    const id = theIncident(world);
    const waiting = (await world.deps.incidents.view(id))?.decisions.find(({ state }) => state === 'waiting');
    if (waiting === undefined) throw new Error('no decision waits for an answer');
    await world.deps.decisions.answer(id, waiting.digest, answer, by, '');
  };

/** Somebody answers the question that waits. */
export const answers = (answer: 'approved' | 'rejected'): Moment =>
  all(answersWithoutRinging(answer), (world) => wake(world.deps, theIncident(world)));

/** Somebody leaves a message, as the API does for them. */
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

/** Several things at the same moment, one after the other. */
export const all =
  (...moments: Moment[]): Moment =>
  async (world) => {
    for (const moment of moments) await moment(world);
  };
