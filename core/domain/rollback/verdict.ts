import type { EarlierProblem, IncidentRecord } from '../../../schemas/incidents/incident.ts';
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
 * action in progress determines the status when it ends; a verdict about an earlier mitigation is one about its problem only, also if the
 * incident was reopened since.
 */
export function afterVerdict(
  {
    status,
    verification,
    verifying,
    earlier_problems: earlier = [],
  }: Pick<IncidentRecord, 'status' | 'verification' | 'verifying' | 'earlier_problems'>,
  about: Mitigation,
  outcome: VerificationOutcome,
): Pick<IncidentChange, 'status' | 'verification' | 'verifying' | 'earlierProblems'> {
  const isAwaited = (one: EarlierProblem): boolean =>
    one.verification === 'pending' && one.mitigation !== undefined && isSameMitigation(one.mitigation, about);
  const ofEarlier = earlier.some(isAwaited) && {
    earlierProblems: earlier.map((one) => (isAwaited(one) ? { ...one, verification: outcome } : one)),
  };
  const isNewest = verifying === undefined || isSameMitigation(verifying, about);
  if (verification === 'not_needed' || !isNewest) return { ...ofEarlier };
  const newStatus =
    outcome === 'failed' && status === 'mitigated'
      ? 'open'
      : outcome === 'passed' && status === 'open'
        ? 'mitigated'
        : undefined;
  return {
    ...ofEarlier,
    verification: outcome,
    ...(newStatus !== undefined && { status: newStatus }),
    ...(outcome === 'failed' &&
      verifying?.at !== undefined && { verifying: { ...verifying, at: verifying.at, failed: true } }),
  };
}

/** Returns whether a mitigation is known not to have helped. A verification that passes later shows only that the problem is over. */
export const didNotHelp = ({
  mitigation,
  verification,
}: Pick<EarlierProblem, 'mitigation' | 'verification'>): boolean =>
  verification === 'failed' || mitigation?.failed === true;

/** Returns whether the verdict about this mitigation is due. Records of older versions name no subject: any can be the one. */
export const awaitsVerdict = (
  { verification, verifying }: Pick<IncidentRecord, 'verification' | 'verifying'>,
  about: Mitigation,
): boolean => verification === 'pending' && (verifying === undefined || isSameMitigation(verifying, about));

export const isSameMitigation = (a: Mitigation, b: Mitigation): boolean =>
  a.number === b.number && a.runbook === b.runbook && a.change === b.change;
