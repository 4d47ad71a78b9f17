import type { Deps } from '../../domain/ports/deps.ts';
import { incidentName } from '../../domain/incidents/incident-number.ts';
import type { RunbookRun } from '../../domain/ports/runbooks.ts';
import { remainingOf, undoId } from '../../domain/runbooks/manual-runs.ts';
import { type PlannedStep, planOf } from '../../domain/runbooks/plan.ts';
import { viewOfRun } from '../../domain/runbooks/run-view.ts';
import type { Json } from '../../domain/runbooks/variables.ts';
import type { IncidentView } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import {
  partsOfRun,
  type RunId,
  runId,
  type RunView,
  StepEnd,
  type StepEnds,
} from '../../../schemas/runbooks/parts/runs.ts';
import { stepOfQuestion } from '../../../workflows/steps/runbook/request-approval.ts';
import { wake } from '../../../workflows/wake.ts';
import { Refusal } from '../../domain/refusal.ts';
import { incidentResolved, requireIncident, requireRecord } from '../incidents/require-incident.ts';
import { openIncident } from '../incidents/declare-incident.ts';
import { type PlanDeps, type Planned, planFollowed, planRun, titleFor, type RequestedRun } from './plan-run.ts';
import { acknowledgeByActing } from '../incidents/acknowledge-by-acting.ts';
import type { Caller } from '../people/caller.ts';

export type RunDeps = PlanDeps & Pick<Deps, 'engine' | 'inbound' | 'log'>;

/** The request for a run. The same `key` and `incident` again are the same request. */
type RunRequest = { trace: string; key?: string | undefined; incident?: IncidentId | undefined };

/**
 * Starts a runbook in the named incident, in the open one of the service and environment, or in a new one. It runs like
 * a runbook that alerts have started.
 *
 * @param request.incident ID of the incident, if a new one is opened
 * @throws Refusal 403, 404, 409, 422
 */
export async function startRun(
  deps: RunDeps,
  caller: Caller,
  requested: RequestedRun,
  { trace, key, incident }: RunRequest,
): Promise<RunView> {
  const planned = await planRun(deps, caller, requested);
  const { plan, serviceEnvironment, selected } = planned;
  // A new incident that the first request has opened may be over by now.
  for (const id of [plan.incident_id, incident]) {
    const known = await startedBy(deps, caller, id, key);
    if (known !== undefined) return known;
  }
  refuseBlocked(planned);
  const opened = {
    ...serviceEnvironment,
    title: titleFor(plan.title),
    severity: 'warning',
    trace,
    alone: true,
  } as const;
  const id = plan.incident_id ?? (await openIncident(deps, caller, { ...opened, id: incident })).incident.id;
  return begin(deps, caller, id, { selected, key });
}

/** Returns the run that the same request has already started. Undefined: none. */
async function startedBy(
  deps: RunDeps,
  caller: Caller,
  id: IncidentId | null | undefined,
  key: string | undefined,
): Promise<RunView | undefined> {
  if (id === null || id === undefined || key === undefined) return undefined;
  const number = await deps.runbooks.startedBy(id, key);
  if (number === undefined) return undefined;
  caller.allow('incidents:act', await requireIncident(deps, id));
  await wake(deps, id);
  return viewRun(deps, runId(id, number));
}

/**
 * Retries a failed run from the failed step. The retry is a new run, which takes over the results of the earlier one.
 *
 * @param key idempotency key; absent: each request is a new one
 * @throws Refusal 403, 404, 409
 */
export async function retryRun(deps: RunDeps, caller: Caller, id: RunId, key?: string): Promise<RunView> {
  const { incident } = partsOfRun(id);
  const known = await startedBy(deps, caller, incident, key);
  if (known !== undefined) return known;
  const planned = await planRetry(deps, caller, id);
  refuseBlocked(planned);
  return begin(deps, caller, incident, { selected: planned.selected, key });
}

/** Plans `retryRun`. @throws Refusal 403, 404, 409 */
export async function planRetry(deps: PlanDeps, caller: Caller, id: RunId): Promise<Planned> {
  const { incident: incidentId, number } = partsOfRun(id);
  const run = await runOf(deps, id);
  const incident = await requireIncident(deps, incidentId);
  const serviceEnvironment = { service: incident.service, environment: incident.environment };
  caller.allow('incidents:act', serviceEnvironment);
  if (incident.status === 'resolved') throw incidentResolved(incident);
  if (run.outcome !== 'failed') throw notFailed(id, run);
  const newest = (await deps.runbooks.of(incidentId)).filter(({ name }) => name === run.runbook.name).at(-1);
  if (newest !== undefined && newest.number !== number)
    throw new Refusal(409, 'run-retried', `run ${runId(incidentId, newest.number)} of this runbook is newer`);
  const ends = storedStepEnds(await deps.runbooks.memories(incidentId, number));
  const { failed, done } = remainingOf(planOf(run.runbook), ends);
  if (failed.length === 0)
    throw new Refusal(409, 'run-not-kept', `the results of run ${id} were not stored; start the runbook again`);
  const { runbook, labels, annotations, inputs } = run;
  const continues = { of: number, done, earlierKeys: earlierKeys(incident, run, ends, done) };
  const selected = { runbook, labels, annotations, by: caller.name, ...(inputs && { inputs }), continues };
  const record = await deps.incidents.read(incidentId);
  return planFollowed(deps, caller, { serviceEnvironment, selected, incident: record });
}

const notFailed = (id: RunId, { outcome }: RunbookRun): Refusal =>
  outcome === null
    ? new Refusal(409, 'run-in-progress', `run ${id} is in progress`)
    : new Refusal(409, 'run-not-failed', `run ${id} has not failed: its outcome is ${outcome}`);

function refuseBlocked({ plan: { refused } }: Planned): void {
  const [first] = refused;
  if (first !== undefined) throw new Refusal(409, first.code, first.text);
}

async function begin(
  deps: RunDeps,
  caller: Caller,
  id: IncidentId,
  { selected, key }: Pick<Planned, 'selected'> & { key: string | undefined },
): Promise<RunView> {
  await acknowledgeByActing(deps, caller, id);
  const started = await deps.runbooks.start(id, selected, key);
  switch (started.kind) {
    case 'running':
      throw new Refusal(409, 'run-in-progress', `run ${runId(id, started.number)} of this runbook is in progress`);
    case 'too_many':
      throw new Refusal(
        409,
        'too-many-runs',
        `${incidentName(await requireRecord(deps, id))} has reached the maximum number of runs`,
      );
    case 'closed':
      throw incidentResolved(await requireRecord(deps, id));
    case 'started':
      await wake(deps, id);
      return viewRun(deps, runId(id, started.number));
  }
}

async function runOf({ runbooks, incidents }: Pick<Deps, 'runbooks' | 'incidents'>, id: RunId): Promise<RunbookRun> {
  const { incident, number } = partsOfRun(id);
  const run = (await incidents.read(incident)) && (await runbooks.run(incident, number));
  if (run === undefined) throw new Refusal(404, 'unknown-run', `there is no run ${id}`);
  return run;
}

/** @throws Refusal 404 */
export async function viewRun(deps: Pick<Deps, 'runbooks' | 'incidents'>, id: RunId): Promise<RunView> {
  const { incident: incidentId, number } = partsOfRun(id);
  const run = await runOf(deps, id);
  const [incident, memories] = await Promise.all([
    requireIncident(deps, incidentId),
    deps.runbooks.memories(incidentId, number),
  ]);
  const waiting = incident.decisions
    .filter(({ state }) => state === 'waiting')
    .flatMap((decision) => stepOfQuestion(number, decision.id) ?? []);
  return viewOfRun(incident, run, memories, new Set(waiting));
}

function storedStepEnds(memories: ReadonlyMap<string, Json>): StepEnds {
  const ends: StepEnds = {};
  for (const [what, value] of memories) {
    const end = what.startsWith(ENDED) ? StepEnd.safeParse(value) : undefined;
    if (end?.success) ends[what.slice(ENDED.length)] = end.data;
  }
  return ends;
}

const ENDED = 'ended ';

/**
 * Returns the steps with an unknown outcome, with the idempotency key that the vendor knows. The same call again
 * determines the outcome.
 */
function earlierKeys(
  { id, effects }: IncidentView,
  { runbook, number, continues: continued }: RunbookRun,
  ends: StepEnds,
  done: StepEnds,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const step of planOf(runbook).steps) {
    if (done[step.id] !== undefined || ends[undoId(step.id)] !== undefined) continue;
    const firstKey = `${id}.runbook.${number}.${step.id}`;
    const attempts = effects.filter(({ key }) => key === firstKey || isAttemptOf(firstKey, key)).map(({ key }) => key);
    const last = attempts.toSorted((a, b) => attemptOf(a, firstKey) - attemptOf(b, firstKey)).at(-1);
    const earlier = continued?.earlierKeys[step.id];
    if (ends[step.id]?.unclear === true && last !== undefined)
      found[step.id] = last === firstKey && earlier !== undefined ? earlier : last;
    else if (ends[step.id]?.status === 'failed' && SEND_MESSAGES.has(step.uses)) found[step.id] = earlier ?? firstKey;
  }
  return found;
}

/** Steps that look for an earlier message before they send it again. */
const SEND_MESSAGES: ReadonlySet<PlannedStep['uses']> = new Set(['ticket', 'slack.post']);

const isAttemptOf = (firstKey: string, key: string): boolean =>
  key.startsWith(`${firstKey}.`) && /^\d+$/.test(key.slice(firstKey.length + 1));

const attemptOf = (key: string, firstKey: string): number =>
  key === firstKey ? 1 : Number(key.slice(firstKey.length + 1));
