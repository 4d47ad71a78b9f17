import type { Deps } from '../../../domain/ports.ts';
import type { Json } from '../../../domain/runbooks/variables.ts';
import type { Effect } from '../../../schemas/incident.ts';
import type { Timestamp } from '../../../schemas/time.ts';
import type { RunbookInput } from '../../runbook.ts';
import type { StepEnd } from '../../../schemas/runbook/runs.ts';
import type { Performed } from './perform.ts';
import type { Ready } from './prepare.ts';

/** What is settled before a step is done, once: every try does the same, and what a person has approved is what is done. */
export type Prepared = {
  at: Timestamp;
  ready: Ready;
  /** What goes with the step, with every value put in. */
  given: Json;
  /** The change that is suspected, of a step for which that is the reason; absent in what older versions have settled. */
  against?: string | null;
};

/** How a try has ended, and what is recorded of it as an act. */
export type Tried = {
  performed: Exclude<Performed, { kind: 'again' }>;
  effect: { state: Effect['state']; detail: string } | null;
};

/**
 * What is remembered of what kind. `end`: a step that was waited for; `ended`: every step, once the run has ended.
 * `judged`: how often the incident had been judged before the rollback that a person asks for.
 */
type Memory = { prepared: Prepared; try: Tried; end: StepEnd; ended: StepEnd; judged: number };

/**
 * What a process, or a run of the workflow, has found out about a step before it died or handed over. Whoever goes on
 * takes it from here: nothing is asked, measured or done anew.
 */
export async function recall<Kind extends keyof Memory>(
  { runbooks }: Pick<Deps, 'runbooks'>,
  { incidentId, number }: RunbookInput,
  kind: Kind,
  of: string,
): Promise<Memory[Kind] | undefined> {
  return (await runbooks.recall(incidentId, number, `${kind} ${of}`)) as Memory[Kind] | undefined;
}

/** Gives what is remembered: the first one stays. */
export async function remember<Kind extends keyof Memory>(
  { runbooks }: Pick<Deps, 'runbooks'>,
  { incidentId, number }: RunbookInput,
  kind: Kind,
  of: string,
  value: Memory[Kind],
): Promise<Memory[Kind]> {
  return (await runbooks.remember(incidentId, number, `${kind} ${of}`, value as Json)) as Memory[Kind];
}
