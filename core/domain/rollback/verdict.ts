import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { VerificationOutcome } from '../../../schemas/incidents/inbox.ts';
import type { IncidentChange } from '../ports/incidents.ts';

/** Verification window in seconds. The verdict comes at its end, so that errors right after a rollback don't count. */
export const VERIFICATION_SECONDS = 15 * 60;

/**
 * Subject of a verification: a rollback by its number or, with `runbook`, the actions of a runbook or, with `change`, what a person
 * deployed.
 */
export type Mitigation = NonNullable<IncidentRecord['verifying']>;

/**
 * Returns the incident's status after a verdict: a mitigation that did not help leaves it open until later proof. An
 * action in progress determines the status when it ends; a verdict about an earlier mitigation has no effect, also if the incident
 * was reopened since.
 */
export function afterVerdict(
  { status, verification, verifying }: Pick<IncidentRecord, 'status' | 'verification' | 'verifying'>,
  about: Mitigation,
  outcome: VerificationOutcome,
): Pick<IncidentChange, 'status' | 'verification'> {
  if (verification === 'not_needed') return {};
  if (verifying !== undefined && !isSameMitigation(verifying, about)) return {};
  if (outcome === 'failed' && status === 'mitigated') return { verification: outcome, status: 'open' };
  if (outcome === 'passed' && status === 'open') return { verification: outcome, status: 'mitigated' };
  return { verification: outcome };
}

/** Returns whether the verdict about this mitigation is due. Records of older versions name no subject: any can be the one. */
export const awaitsVerdict = (
  { verification, verifying }: Pick<IncidentRecord, 'verification' | 'verifying'>,
  about: Mitigation,
): boolean => verification === 'pending' && (verifying === undefined || isSameMitigation(verifying, about));

export const isSameMitigation = (a: Mitigation, b: Mitigation): boolean =>
  a.number === b.number && a.runbook === b.runbook && a.change === b.change;
