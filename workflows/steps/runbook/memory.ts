import type { Deps } from '../../../domain/ports.ts';
import type { Json } from '../../../domain/runbooks/variables.ts';
import type { Effect } from '../../../schemas/incident.ts';
import type { Timestamp } from '../../../schemas/time.ts';
import type { RunbookInput } from '../../runbook.ts';
import type { StepEnd } from '../../runbook-step.ts';
import type { Performed } from './perform.ts';
import type { Ready } from './prepare.ts';

/** What is settled before a step is done, once: every try does the same, and what a person has approved is what is done. */
export type Prepared = {
  at: Timestamp;
  ready: Ready;
  /** What goes with the step, with every value put in. */
  given: Json;
};

/** How a try has ended, and what is recorded of it as an act. */
export type Tried = {
  performed: Exclude<Performed, { kind: 'again' }>;
  effect: { state: Effect['state']; detail: string } | null;
};

/** What is remembered under which name. */
type Memory = { [name: `prepared ${string}`]: Prepared } & { [name: `try ${string}`]: Tried } & {
  [name: `end ${string}`]: StepEnd;
};

/**
 * What a process, or a run of the workflow, has found out about a step before it died or handed over. Whoever goes on
 * takes it from here: nothing is asked, measured or done anew.
 */
export async function recall<Name extends keyof Memory & string>(
  { runbooks }: Pick<Deps, 'runbooks'>,
  { incidentId, number }: RunbookInput,
  name: Name,
): Promise<Memory[Name] | undefined> {
  return (await runbooks.recall(incidentId, number, name)) as Memory[Name] | undefined;
}

/** Gives what is remembered: the first one stays. */
export async function remember<Name extends keyof Memory & string>(
  { runbooks }: Pick<Deps, 'runbooks'>,
  { incidentId, number }: RunbookInput,
  name: Name,
  value: Memory[Name],
): Promise<Memory[Name]> {
  return (await runbooks.remember(incidentId, number, name, value as Json)) as Memory[Name];
}
