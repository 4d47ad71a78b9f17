import { inConfiguredSpelling } from '../../../core/domain/catalogue/known-names.ts';
import { environmentEntry } from '../../../core/domain/catalogue/catalogue.ts';
import type { Deps } from '../ports.ts';
import {
  Experiment,
  type ExpectedAlert,
  type ExperimentEvent,
  type ExperimentId,
  type ExperimentRecord,
  type ExperimentRequest,
  type NewExperiment,
  type Observation,
} from '../experiment.ts';
import type { Action } from '../../../schemas/access/access.ts';
import { eachAlone } from '../../../core/actions/each-alone.ts';
import { hasFailed } from '../../../core/actions/failed-run.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { beginExperiment, type PlannedExperiment, startWorkflow } from './begin.ts';
import { unmeasurableChecks, type UnmeasurableDeps } from './unmeasurable-checks.ts';

/** Attempts to store a request while the workflow stores its own progress. */
const TRIES = 20;

/** Failed runs in a row after which a workflow is not replaced. */
const FAILED_RUNS_MAX = 200;

export type RecordExperimentDeps = Pick<Deps, 'config' | 'experiments' | 'experimentRuns' | 'clock' | 'log'> &
  UnmeasurableDeps;

/** A request to record an experiment. The same `id` again is the same request. */
export type NewExperimentRequest = { id: ExperimentId; experiment: NewExperiment; trace: string };

/**
 * Records an experiment. Its steady state is measured at once; its alerts are expected only while it runs.
 *
 * @throws Refusal 403; 409 if a service does not allow experiments, or has one; 422, also if a check cannot be measured
 */
export async function recordExperiment(
  deps: RecordExperimentDeps,
  caller: Caller,
  { id, experiment: requested, trace }: NewExperimentRequest,
): Promise<Experiment> {
  const config = await deps.config.current();
  const { services } = config;
  const input = { ...requested, scope: requested.scope.map((one) => inConfiguredSpelling(config, one)) };
  const settings = input.scope.map((serviceEnvironment) => {
    caller.allow('experiments:write', serviceEnvironment);
    const entry = environmentEntry(services, serviceEnvironment);
    if (entry === undefined)
      throw new Refusal(
        422,
        'unknown-service-environment',
        `the catalogue has no service ${serviceEnvironment.service} in ${serviceEnvironment.environment}`,
      );
    if (entry.experiments === undefined)
      throw new Refusal(
        409,
        'experiments-not-configured',
        `set \`experiments\` for ${serviceEnvironment.service} ${serviceEnvironment.environment} in services.yaml`,
      );
    return entry.experiments;
  });
  const known = await deps.experiments.get(id);
  if (known !== undefined) return Experiment.parse(await startWorkflow(deps, known));
  const longestSeconds = Math.min(...settings.map(({ maxMinutes }) => maxMinutes)) * 60;
  if (input.duration_seconds > longestSeconds)
    throw new Refusal(
      422,
      'invalid',
      `json: duration_seconds is ${input.duration_seconds}; the scope allows ${longestSeconds} (maxMinutes)`,
    );
  const chaos = settings.find((one) => one.chaos !== undefined)?.chaos ?? null;
  if (input.run !== null && chaos?.kind !== input.run.kind)
    throw new Refusal(
      409,
      'chaos-not-configured',
      `set \`experiments.chaos\` with kind ${input.run.kind} for a service of the scope in services.yaml`,
    );
  const unmeasurable = await unmeasurableChecks(deps, input);
  if (unmeasurable.length > 0)
    throw new Refusal(422, 'unmeasurable-check', `checks cannot be measured: ${unmeasurable.join('; ')}`);
  const at = deps.clock.now();
  const { status, ...rest } = input;
  const planned: PlannedExperiment = {
    ...rest,
    id,
    grace_seconds: Math.min(...settings.map(({ graceMinutes }) => graceMinutes)) * 60,
    observed: false,
    reason: 'measuring the steady state',
    created_at: at,
    created_by: caller.name,
    started_at: status === 'running' ? at : null,
    chaos_config: input.run === null ? null : chaos,
    trace,
  };
  const text = `Recorded as ${status}: ${input.hypothesis}`;
  const begun = await beginExperiment(deps, planned, { at, kind: 'created', by: caller.name, text });
  if (!begun.ok)
    throw new Refusal(
      409,
      'experiment-in-progress',
      `the experiment ${begun.running} covers a part of this scope and is not over; stop it first`,
    );
  return Experiment.parse(begun.experiment);
}

export type RequestDeps = Pick<Deps, 'experiments' | 'engine' | 'clock' | 'log'>;

/**
 * Requests the start, the end, or the stop of an experiment, and wakes its workflow.
 *
 * @throws Refusal 403, 404; 409 if the experiment cannot do so any more
 */
export async function sendExperimentRequest(
  deps: RequestDeps,
  caller: Caller,
  id: ExperimentId,
  { kind, reason }: Pick<ExperimentRequest, 'kind' | 'reason'>,
): Promise<Experiment> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const experiment = await experimentOf(deps, id);
    allowAll(caller, 'experiments:write', experiment);
    const refusal = refusalOf(experiment, kind);
    if (refusal !== null) throw refusal;
    // A request to stop is never replaced by one to finish.
    if (experiment.request?.kind === 'stop') return Experiment.parse(experiment);
    const request = { kind, reason, by: caller.name, at: deps.clock.now() };
    if (!(await deps.experiments.put({ ...experiment, request }))) continue;
    if (experiment.callback !== null) await wakeUp(deps, experiment.callback);
    return Experiment.parse(experiment);
  }
  throw new Refusal(503, 'unavailable', `the experiment ${id} changed during all ${TRIES} attempts; try again`);
}

/** Without the wake-up, the workflow reads the request at its next observation. */
async function wakeUp({ engine, log }: RequestDeps, callback: string): Promise<void> {
  try {
    await engine.completeCallback(callback);
  } catch (error) {
    log.warn('the workflow of an experiment could not be woken; it continues at its next observation', {
      error: String(error),
    });
  }
}

function refusalOf({ id, status, ending }: ExperimentRecord, kind: ExperimentRequest['kind']): Refusal | null {
  if (status === 'ended' || (ending !== null && kind !== 'stop'))
    return new Refusal(409, 'experiment-ended', `the experiment ${id} has ended: ${ending?.reason ?? status}`);
  if (kind === 'start' && status !== 'ready')
    return new Refusal(
      409,
      'experiment-not-ready',
      `the experiment ${id} is ${status}; it can start when it is ready, after its steady state holds`,
    );
  if (kind === 'finish' && status !== 'running')
    return new Refusal(409, 'experiment-not-running', `the experiment ${id} is ${status}`);
  return null;
}

/** @throws Refusal 404 */
async function experimentOf({ experiments }: Pick<Deps, 'experiments'>, id: ExperimentId): Promise<ExperimentRecord> {
  const experiment = await experiments.get(id);
  if (experiment === undefined) throw new Refusal(404, 'unknown-experiment', `no experiment has the ID ${id}`);
  return experiment;
}

/** @throws Refusal 403 unless the caller may do so for the whole scope */
function allowAll({ allow }: Pick<Caller, 'allow'>, action: Action, { scope }: Pick<Experiment, 'scope'>): void {
  for (const serviceEnvironment of scope) allow(action, serviceEnvironment);
}

/** An experiment with what happened, oldest first. */
export type ExperimentStory = Experiment & {
  events: ExperimentEvent[];
  observations: Observation[];
  alerts: ExpectedAlert[];
};

/** @throws Refusal 403, 404 */
export async function viewExperiment(
  deps: Pick<Deps, 'experiments'>,
  caller: Pick<Caller, 'allow'>,
  id: ExperimentId,
): Promise<ExperimentStory> {
  const experiment = await experimentOf(deps, id);
  allowAll(caller, 'experiments:read', experiment);
  const [events, observations, alerts] = await Promise.all([
    deps.experiments.events(id),
    deps.experiments.observations(id),
    deps.experiments.expected(id),
  ]);
  return { ...Experiment.parse(experiment), events, observations, alerts };
}

/** Starts experiments whose workflow is not started yet, and replaces failed runs, each minute. */
export async function startOrphanedExperiments(
  deps: Pick<Deps, 'experiments' | 'experimentRuns' | 'engine' | 'log'>,
): Promise<void> {
  await eachAlone(deps.log, 'an experiment', await deps.experiments.unfinished(), async (experiment) => {
    const { id, run_number: workflowRun, execution, failed_runs: failed = 0 } = experiment;
    const isLast = failed >= FAILED_RUNS_MAX;
    if (isLast && execution !== null) return;
    if (!(await hasFailed(deps, execution, () => deps.experimentRuns.start(id, workflowRun))) || isLast) return;
    deps.log.error('the workflow of an experiment has failed', { experiment: id, run: workflowRun });
    if (
      await deps.experiments.put({
        ...experiment,
        run_number: workflowRun + 1,
        failed_runs: failed + 1,
        execution: null,
        callback: null,
      })
    )
      await deps.experimentRuns.start(id, workflowRun + 1);
  });
}
