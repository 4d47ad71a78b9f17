import { sha256 } from '../../../core/stores/hash.ts';
import type { Deps } from '../ports.ts';
import type { ChangeId } from '../../../schemas/config/names.ts';
import type { ExperimentEvent, ExperimentId, ExperimentRecord } from '../experiment.ts';

/** The fields of an experiment of which nothing has happened yet. `change_ids` has a change for each part of the scope. */
const initialFields = (id: ExperimentId, scope: readonly unknown[]) => ({
  status: 'preparing' as const,
  stopped_at: null,
  ended_at: null,
  ending: null,
  stop: { state: 'not_asked' as const, detail: '' },
  chaos: null,
  expected: 0,
  conclusion: null,
  change_ids: scope.map((_, index) => `chg_${sha256(`experiment ${id} ${index}`).slice(0, 26)}` as ChangeId),
  request: null,
  abort_alert: null,
  stop_attempts: 0,
  until: null,
  expires_at: null,
  observed_at: null,
  missing_in_a_row: {},
  events: 0,
  observations: 0,
  closed: false,
  run_number: 1,
  execution: null,
  callback: null,
  rev: 0,
});

/** What is known of an experiment before it begins. */
export type PlannedExperiment = Omit<ExperimentRecord, keyof ReturnType<typeof initialFields>>;

/**
 * Stores a new experiment and starts its workflow. If only the start fails, the sweeper repeats it.
 *
 * @returns the experiment, or the ID of one that is not over and covers a part of the scope
 */
export async function beginExperiment(
  { experiments, experimentRuns, log }: Pick<Deps, 'experiments' | 'experimentRuns' | 'log'>,
  planned: PlannedExperiment,
  event: ExperimentEvent,
): Promise<{ ok: true; experiment: ExperimentRecord } | { ok: false; running: ExperimentId }> {
  const { id, scope } = planned;
  const experiment: ExperimentRecord = { ...planned, ...initialFields(id, scope) };
  const begun = await experiments.begin(experiment, event);
  if (!begun.ok) return begun;
  return { ok: true, experiment: await startWorkflow({ experimentRuns, log }, experiment) };
}

/** Starts an experiment's workflow. A failure is only logged, because the sweeper repeats it. */
export async function startWorkflow(
  { experimentRuns, log }: Pick<Deps, 'experimentRuns' | 'log'>,
  experiment: ExperimentRecord,
): Promise<ExperimentRecord> {
  const { id } = experiment;
  try {
    await experimentRuns.start(id, 1);
  } catch (error) {
    log.warn('an experiment could not be started; the sweeper tries again', { experiment: id, error: String(error) });
  }
  return experiment;
}
