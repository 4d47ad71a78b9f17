import { steadinessOf } from '../decisions/conclusion.ts';
import {
  afterObservation,
  afterPreparation,
  afterSettling,
  afterStop,
  afterWaiting,
  type ChaosReading,
  withConclusion,
  pauseSeconds,
  type Progress,
  taskOf,
  mayStillRun,
} from '../decisions/progress.ts';
import type { Attempt } from '../../../core/domain/ports/common.ts';
import type { Deps } from '../ports.ts';
import type { ChaosSystem } from '../types.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import { Version } from '../../../schemas/config/names.ts';
import type { ExperimentId, ExperimentRecord, Observation } from '../experiment.ts';
import { observe, observeBefore } from './observe.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { configured } from '../../../core/domain/ports/extensions.ts';
import { actionItemsOfExperiment } from '../decisions/action-items.ts';
import { ActionItemId } from '../../../schemas/action-items/action-item.ts';
import { toSignal } from '../../../core/domain/alerts/signal.ts';

/** Attempts to store a callback while others store requests. */
const TRIES = 10;

/** Whether the experiment is over; if not, the seconds until the next step, in the product's time. */
export type ExperimentAdvanced = { over: boolean; seconds: number };

const OVER: ExperimentAdvanced = { over: true, seconds: 0 };
const AGAIN: ExperimentAdvanced = { over: false, seconds: 0 };

/** Puts this run in charge of an experiment. `false`: another run is in charge, or the experiment is over. */
export async function beginExperiment(
  deps: Deps,
  id: ExperimentId,
  number: number,
  execution: string,
): Promise<boolean> {
  const experiment = await deps.experiments.get(id);
  if (experiment === undefined || experiment.closed || experiment.run_number !== number) return false;
  if (experiment.execution === execution) return true;
  if (await deps.experiments.put({ ...experiment, execution, callback: null })) return true;
  throw new Error(`Experiment ${id} changed while its run started; retrying the step`);
}

/** Makes the next step according to the table, and stores the result. */
export async function advanceExperiment(deps: Deps, id: ExperimentId): Promise<ExperimentAdvanced> {
  const stored = await deps.experiments.get(id);
  if (stored === undefined) return OVER;
  const at = { now: deps.clock.now(), scale: deps.timeScale };
  switch (taskOf(stored, at)) {
    case 'over':
      return OVER;
    case 'wait':
      return { over: false, seconds: pauseSeconds(stored, at) };
    case 'close':
      return close(deps, stored);
    case 'prepare':
      return prepare(deps, stored);
    case 'begin': {
      const incident = stored.request?.kind === 'start' ? await openIncident(deps, stored) : null;
      return storeProgress(deps, afterWaiting(stored, { incident }, { ...at, now: deps.clock.now() }));
    }
    case 'observe': {
      // An alert that aborts the experiment, or a request to stop it, does not wait for measurements.
      const isUrgent = stored.abort_alert !== null || stored.request?.kind === 'stop';
      const [observation, chaos] = isUrgent
        ? [null, null]
        : await Promise.all([observe(deps, stored, 'during'), readChaos(deps, stored)]);
      return storeProgress(deps, afterObservation(stored, { observation, chaos }, { ...at, now: deps.clock.now() }));
    }
    case 'stop': {
      const response = await stopOnce(deps, stored);
      return storeProgress(deps, afterStop(stored, response, { ...at, now: deps.clock.now() }));
    }
    case 'settle': {
      const observation = await observe(deps, stored, 'after');
      return storeProgress(deps, afterSettling(stored, observation, { ...at, now: deps.clock.now() }));
    }
  }
}

async function prepare(deps: Deps, stored: ExperimentRecord): Promise<ExperimentAdvanced> {
  const [observations, incident] = await Promise.all([observeBefore(deps, stored), openIncident(deps, stored)]);
  const steadiness = steadinessOf(stored.checks, observations);
  const at = { now: deps.clock.now(), scale: deps.timeScale };
  return storeProgress(deps, afterPreparation(stored, { steadiness, incident }, at), observations);
}

/** Returns why the scope is not in its steady state. Null: no incident is open. */
async function openIncident(
  { incidents }: Pick<Deps, 'incidents'>,
  { scope }: ExperimentRecord,
): Promise<string | null> {
  for (const serviceEnvironment of scope) {
    const open = await incidents.openAt(serviceEnvironment);
    if (open !== undefined)
      return `incident ${incidentName(open)} of ${serviceEnvironment.service} in ${serviceEnvironment.environment} is open`;
  }
  return null;
}

async function storeProgress(
  deps: Deps,
  { record, events, observation }: Progress,
  before: readonly Observation[] = [],
): Promise<ExperimentAdvanced> {
  if (record.status === 'running') await recordChanges(deps, record);
  if (events.some(({ kind }) => kind === 'stopped')) await reportRunning(deps, record);
  const expected = record.started_at === null ? 0 : (await deps.experiments.expected(record.id)).length;
  const observations = [...before, ...(observation === null ? [] : [observation])];
  if (!(await deps.experiments.put({ ...record, expected }, { events, observations }))) return AGAIN;
  return { over: false, seconds: pauseSeconds(record, { now: deps.clock.now(), scale: deps.timeScale }) };
}

/** Records the experiment as a change of each service, so that it is a suspect for alerts outside its scope. Idempotent. */
async function recordChanges(
  { changes }: Pick<Deps, 'changes'>,
  { change_ids: ids, scope, name, started_at, created_by: author }: ExperimentRecord,
): Promise<void> {
  for (const [index, serviceEnvironment] of scope.entries()) {
    const id = ids[index];
    if (id === undefined || started_at === null || (await changes.get(id)) !== undefined) continue;
    const change = NewChange.parse({
      ...serviceEnvironment,
      version: Version.parse(name.slice(0, 100).toWellFormed()),
      kind: 'experiment',
      status: 'started',
      started_at,
      author,
    });
    await changes.record(change, { id, reported_by: 'experiment' });
  }
}

async function readChaos(deps: Deps, experiment: ExperimentRecord): Promise<ChaosReading | null> {
  const chaos = await systemOf(deps, experiment);
  return chaos === undefined ? null : chaos.read();
}

async function stopOnce(deps: Deps, experiment: ExperimentRecord): Promise<Attempt> {
  const chaos = await systemOf(deps, experiment);
  if (chaos === undefined) return { kind: 'off', detail: 'the chaos system is not configured' };
  return chaos.stop(`experiment-${experiment.id}-stop`, experiment.reason);
}

async function systemOf(
  deps: Pick<Deps, 'chaosSystemFor'>,
  experiment: ExperimentRecord,
): Promise<ChaosSystem | undefined> {
  const { chaos_config: config, run: chaosRun } = experiment;
  return config === null || chaosRun === null ? undefined : deps.chaosSystemFor(config, chaosRun);
}

/** Releases the alerts that still fire, ends the changes, and concludes. */
async function close(deps: Deps, stored: ExperimentRecord): Promise<ExperimentAdvanced> {
  const released = await releaseAlerts(deps, stored);
  for (const id of stored.change_ids)
    if ((await deps.changes.get(id)) !== undefined)
      await deps.changes.patch(id, { status: 'succeeded', finished_at: stored.stopped_at ?? deps.clock.now() });
  const observations = await deps.experiments.observations(stored.id);
  const chaos = (await readChaos(deps, stored))?.verdict ?? stored.chaos;
  const expected = (await deps.experiments.expected(stored.id)).length;
  const now = deps.clock.now();
  const { record, events } = withConclusion({ ...stored, chaos, expected }, observations, now);
  await storeExperimentItems(deps, record);
  const text = `${released} of ${expected} expected alerts still fire and are treated like any other from now on`;
  const all = released === 0 ? events : [{ at: now, kind: 'released' as const, by: null, text }, ...events];
  return (await deps.experiments.put(record, { events: all })) ? OVER : AGAIN;
}

/**
 * Stores the callback that a request completes. `false`: a request has arrived, so the run must not wait. The pause
 * between two attempts to stop is never cut short: the chaos system needs it.
 */
export async function storeExperimentCallback(deps: Deps, id: ExperimentId, callback: string): Promise<boolean> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const experiment = await deps.experiments.get(id);
    if (experiment?.status === 'stopping') return true;
    if (experiment === undefined || experiment.request !== null || experiment.abort_alert !== null) return false;
    if (experiment.callback === callback || (await deps.experiments.put({ ...experiment, callback }))) return true;
  }
  throw new Error(`Experiment ${id} changed during all ${TRIES} attempts; retrying the step`);
}

/** Starts the next run, which continues from the table. */
export async function handOverExperiment(deps: Deps, id: ExperimentId, number: number): Promise<void> {
  const experiment = await deps.experiments.get(id);
  if (experiment === undefined || experiment.closed || experiment.run_number > number + 1) return;
  if (
    experiment.run_number === number &&
    !(await deps.experiments.put({
      ...experiment,
      run_number: number + 1,
      failed_runs: 0,
      execution: null,
      callback: null,
    }))
  )
    throw new Error(`Experiment ${id} changed while its run was handed over; retrying the step`);
  await deps.experimentRuns.start(id, number + 1);
}

/**
 * Sends the expected alerts that still fire once more. The experiment is over, so they are treated like any other: they
 * open incidents and page. A repeat has no effect.
 *
 * @returns their number
 */
export async function releaseAlerts(
  { incidents, queue, clock }: Pick<Deps, 'incidents' | 'queue' | 'clock'>,
  { id, trace, started_at: startedAt }: ExperimentRecord,
): Promise<number> {
  if (startedAt === null) return 0;
  const muted = await incidents.muted();
  const explained = muted
    .filter(({ mute }) => mute?.by === 'experiment' && mute.name === id)
    .map(({ signal }) => signal);
  if (explained.length > 0) await queue.sendAll({ id: `${id}-released`, at: clock.now(), trace }, explained);
  return explained.length;
}

/**
 * Adds the action items of a failed hypothesis to the list, if there is one. A repeat changes nothing, also if people have changed an item since:
 * the IDs follow from the order of the reasons.
 */
async function storeExperimentItems(
  { config, extensions, experiments, clock }: Pick<Deps, 'config' | 'extensions' | 'experiments' | 'clock'>,
  experiment: ExperimentRecord,
): Promise<void> {
  const [serviceEnvironment] = experiment.scope;
  if (serviceEnvironment === undefined || experiment.conclusion?.outcome !== 'failed') return;
  const current = await config.current();
  const [list] = await configured(extensions.actionItems, current);
  if (list === undefined) return;
  const now = clock.now();
  const items = actionItemsOfExperiment(experiment, await experiments.expected(experiment.id), {
    team: serviceEntry(current.services, serviceEnvironment.service)?.team ?? null,
    dueDays: await list.dueDays(),
    now,
  });
  await list.add(
    items.map((item, index) => ({
      ...item,
      ...serviceEnvironment,
      id: ActionItemId.parse(`${experiment.id}-${String(index + 1).padStart(8, '0')}`),
      incident_id: null,
      experiment_id: experiment.id,
      alert: '',
      updated_at: now,
    })),
  );
}

/**
 * Sends an alert of Firebreak itself if an experiment is over, but may still run, so that people stop it. A repeat is
 * recognized by its episode.
 */
async function reportRunning(
  { config, queue, clock }: Pick<Deps, 'config' | 'queue' | 'clock'>,
  experiment: ExperimentRecord,
): Promise<void> {
  const { id, name, scope, ending, stop, trace } = experiment;
  const [serviceEnvironment] = scope;
  if (!mayStillRun(experiment) || ending === null || serviceEnvironment === undefined) return;
  const signal = toSignal(
    {
      source: 'experiment',
      status: 'firing',
      labels: new Map([
        ['alertname', 'ExperimentNotStopped'],
        ['service', serviceEnvironment.service],
        ['environment', serviceEnvironment.environment],
        ['severity', 'critical'],
      ]),
      annotations: new Map([
        ['summary', `The experiment ${name} may still run: stop it by hand`],
        ['description', `Its stop: ${stop.detail}. Why it must stop: ${ending.reason}`],
        ['experiment', id],
      ]),
      startsAt: ending.at,
      endsAt: null,
      fingerprint: `${id}-not-stopped`,
      episodic: true,
      generatorUrl: null,
    },
    await config.current(),
  );
  await queue.sendAll({ id: `${id}-not-stopped`, at: clock.now(), trace }, [signal]);
}
