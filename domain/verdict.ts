import type { IncidentRecord } from '../schemas/incident.ts';
import type { VerificationOutcome } from '../schemas/inbox.ts';
import type { IncidentChange } from './ports.ts';

/** What a verification is about: a rollback by its number, or, where `runbook` is there, what that one has done. */
export type Mitigation = NonNullable<IncidentRecord['verifying']>;

/**
 * Where a verdict leaves the incident: what has not helped has mitigated nothing, until later proof shows that it has.
 * Where something is under way, that leaves it as it ends; of what is not the newest mitigation any more, nothing follows.
 */
export function afterVerdict(
  { status, verifying }: Pick<IncidentRecord, 'status' | 'verifying'>,
  about: Mitigation,
  outcome: VerificationOutcome,
): Pick<IncidentChange, 'status' | 'verification'> {
  if (verifying !== undefined && !isSame(verifying, about)) return {};
  if (outcome === 'failed' && status === 'mitigated') return { verification: outcome, status: 'open' };
  if (outcome === 'passed' && status === 'open') return { verification: outcome, status: 'mitigated' };
  return { verification: outcome };
}

const isSame = (a: Mitigation, b: Mitigation): boolean => a.number === b.number && a.runbook === b.runbook;
