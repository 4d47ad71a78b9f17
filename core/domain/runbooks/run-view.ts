import type { Named } from '../incidents/incident-number.ts';
import type { RunbookRun } from '../ports/runbooks.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { RunStatus, runId, type RunStepStatus, type RunView, StepEnd } from '../../../schemas/runbooks/parts/runs.ts';
import { type PlannedStep, planOf } from './plan.ts';
import type { Json } from './variables.ts';

type Memories = ReadonlyMap<string, Json>;

/**
 * Builds the public view of a run from the results stored by its steps. `waiting`: numbers of the steps that wait for a
 * person.
 */
export function viewOfRun(
  { id, number: incidentNumber = null, service, environment }: Pick<IncidentRecord, 'service' | 'environment'> & Named,
  run: RunbookRun,
  memories: Memories,
  waiting: ReadonlySet<number>,
): RunView {
  const { runbook, number, continues: continued } = run;
  const { steps, failureSteps } = planOf(runbook);
  const isBegun = (step: PlannedStep): boolean => memories.has(`prepared ${step.id}`);
  const furthest = Math.max(0, ...steps.filter(isBegun).map(({ stage }) => stage));
  const begun = failureSteps.filter(isBegun);
  return {
    id: runId(id, number),
    runbook: runbook.name,
    title: runbook.title,
    version: runbook.version,
    incident_id: id,
    incident_number: incidentNumber,
    service,
    environment,
    status: run.outcome === null ? 'running' : RunStatus.catch('finished').parse(run.outcome),
    text: run.text,
    started_at: run.at,
    by: run.by ?? null,
    inputs: run.inputs ?? {},
    retry_of: continued === undefined ? null : runId(id, continued.of),
    steps: [...steps, ...begun].map((step) => {
      const end = continued?.done[step.id] ?? endOf(id, number, step, memories);
      const { status, detail } = end ?? {
        status: statusInProgress(step, { isBegun: isBegun(step), furthest, run, waiting }),
        detail: '',
      };
      return { id: step.id, name: step.name, uses: step.uses, status, detail };
    }),
  };
}

/** Returns the result of a step. Undefined: not ended, or no result stored. */
function endOf(incident: string, run: number, step: PlannedStep, memories: Memories): StepEnd | undefined {
  const key = `${incident}.runbook.${run}.${step.id}`;
  const attempts = [...memories].filter(([name]) => name === `try ${key}` || name.startsWith(`try ${key}.`));
  const candidates: (Json | undefined)[] = [
    memories.get(`ended ${step.id}`),
    memories.get(`end ${step.id}`),
    ...attempts.map(([, attempt]) => fieldOf(fieldOf(attempt, 'performed'), 'end')),
    fieldOf(fieldOf(memories.get(`prepared ${step.id}`), 'ready'), 'end'),
  ];
  for (const end of candidates) {
    const parsed = StepEnd.safeParse(end);
    if (parsed.success) return parsed.data;
  }
  return undefined;
}

function statusInProgress(
  { number, stage }: PlannedStep,
  progress: { isBegun: boolean; furthest: number; run: RunbookRun; waiting: ReadonlySet<number> },
): RunStepStatus {
  if (!progress.isBegun || progress.run.outcome !== null) return 'pending';
  if (progress.waiting.has(number)) return 'waiting';
  return stage < progress.furthest ? 'succeeded' : 'running';
}

const fieldOf = (value: Json | undefined, key: string): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value[key] : undefined;
