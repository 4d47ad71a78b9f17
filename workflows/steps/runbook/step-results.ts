import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Json } from '../../../core/domain/runbooks/variables.ts';
import type { StepEnd } from '../../../schemas/runbooks/parts/runs.ts';
import type { CompletedAttempt } from './attempt.ts';
import type { RunbookInput } from './outline.ts';
import type { Prepared } from './preparation.ts';

/**
 * Stored values by kind. `end`: end of a step that waits; `ended`: end of every step, stored when the runbook ends.
 * `judged`: number of judgements before a rollback that a person requested.
 */
type StepResults = { prepared: Prepared; try: CompletedAttempt; end: StepEnd; ended: StepEnd; judged: number };

/**
 * Reads a value that an earlier process or workflow run stored about a step, so that nothing is asked, measured, or done
 * twice.
 */
export async function readResult<Kind extends keyof StepResults>(
  { runbooks }: Pick<Deps, 'runbooks'>,
  { incidentId, number }: RunbookInput,
  kind: Kind,
  subject: string,
): Promise<StepResults[Kind] | undefined> {
  return (await runbooks.recall(incidentId, number, `${kind} ${subject}`)) as StepResults[Kind] | undefined;
}

/** Stores a value unless one is already stored, and returns the stored value. */
export async function storeResult<Kind extends keyof StepResults>(
  { runbooks }: Pick<Deps, 'runbooks'>,
  { incidentId, number }: RunbookInput,
  kind: Kind,
  subject: string,
  value: StepResults[Kind],
): Promise<StepResults[Kind]> {
  return (await runbooks.remember(incidentId, number, `${kind} ${subject}`, value as Json)) as StepResults[Kind];
}
