import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { SelectedRunbook } from '../../../core/domain/ports/runbooks.ts';
import { bestMatch, RUNBOOKS_MAX } from '../../../core/domain/runbooks/best-match.ts';
import { isManualRun } from '../../../core/domain/runbooks/manual-runs.ts';
import { planOf, type PlannedStep } from '../../../core/domain/runbooks/plan.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import type { StepEnds } from '../../../schemas/runbooks/parts/runs.ts';
import type { Outline, RunbookInput } from './outline.ts';

type ChooseDeps = Pick<Deps, 'config' | 'incidents' | 'runbooks'>;

export type ChosenRunbook = {
  name: string;
  title: string;
  steps: Outline[];
  failureSteps: Outline[];
  undo: Runbook['undo'];
  /** Ends of the steps that an earlier run performed. Absent: there is no earlier run. */
  done?: StepEnds;
  /** Whether its expressions refer to the incident's judgement. */
  needsJudgement: boolean;
};

/** Number of newest alerts that are matched with runbooks. */
const SIGNALS_READ = 50;

/** Chooses the runbook for the firing alerts that are not muted. Null: no runbook matches, or those that match have already run. */
export async function chooseRunbook(
  deps: ChooseDeps,
  { incidentId, number }: RunbookInput,
): Promise<ChosenRunbook | null> {
  const stored = await deps.runbooks.get(incidentId, number);
  if (stored !== undefined) return outlineOf(stored);
  if (isManualRun(number)) return null;
  const incident = await deps.incidents.read(incidentId);
  if (incident === undefined || incident.status === 'resolved' || incident.group_reason !== undefined) return null;
  const config = await deps.config.current();
  for (;;) {
    const started = await deps.runbooks.of(incidentId);
    if (started.filter((run) => !isManualRun(run.number)).length >= RUNBOOKS_MAX) return null;
    const found = await matchOf(deps, incident, config, new Set(started.map(({ name }) => name)));
    if (found === null) return null;
    const { selected, because } = found;
    const first = await deps.runbooks.choose(incidentId, number, selected, because);
    // Otherwise a parallel check has just chosen the same runbook: look for a second one that matches.
    if (first !== undefined) return outlineOf(first);
  }
}

/** Returns the best match for the newest alerts that fire and are not muted. */
async function matchOf(
  deps: ChooseDeps,
  incident: IncidentRecord,
  config: Config,
  started: ReadonlySet<string>,
): Promise<{ selected: SelectedRunbook; because: string } | null> {
  if (config.runbooks.runbooks.every(({ name }) => started.has(name))) return null;
  const { items } = await deps.incidents.signals(incident.id, { limit: SIGNALS_READ });
  // A muted alert starts nothing, as long as its mute lasts.
  const firing = items.filter(({ status, mute }) => status === 'firing' && mute === undefined);
  const found = bestMatch(incident, config, firing, started);
  if (found === null) return null;
  const { runbook, signal, labels } = found;
  const selected = { runbook, labels: [...labels], annotations: signal.annotations };
  return { selected, because: `it matches the alert "${signal.title}"` };
}

const REFERS_TO_JUDGEMENT = /\b(suspect|decision)\b/;

function outlineOf({ runbook, continues: continued }: SelectedRunbook): ChosenRunbook {
  const plan = planOf(runbook);
  const outline = (step: PlannedStep): Outline => outlineOfStep(step, continued?.earlierKeys[step.id]);
  return {
    name: runbook.name,
    title: runbook.title,
    steps: plan.steps.map(outline),
    failureSteps: plan.failureSteps.map(outline),
    undo: plan.undo,
    ...(continued && { done: continued.done }),
    needsJudgement: REFERS_TO_JUDGEMENT.test(JSON.stringify(runbook.steps)),
  };
}

const outlineOfStep = (step: PlannedStep, earlierKey: string | undefined): Outline => {
  const { id, number, stage, onFailure, mutating, timeoutSeconds, retry, uses, approval } = step;
  const otherwise = approval?.otherwise ?? 'stop';
  return {
    id,
    number,
    stage,
    onFailure,
    mutating,
    timeoutSeconds,
    retry,
    uses,
    otherwise,
    undoes: null,
    ...(earlierKey !== undefined && { earlierKey }),
  };
};

/** Returns whether the incident has made its first judgement, or is over without one. */
export async function isJudged(deps: ChooseDeps, { incidentId }: RunbookInput): Promise<boolean> {
  const incident = await deps.incidents.read(incidentId);
  return incident === undefined || incident.status === 'resolved' || incident.mitigations > 0;
}
