import type { DecisionView } from '../../../schemas/incidents/incident.ts';
import type { ReasonCode } from '../../../schemas/incidents/reason.ts';
import { isSameRollback } from '../changes/late-changes.ts';
import { sameVersion } from '../changes/versions.ts';
import type { Decision, DecisionInputs } from './judgement.ts';

/** Seconds after a question at which metrics by version are read again. Later, most rollouts are over, and the old version is gone. */
export const PROOF_LOOKS_SECONDS = [30, 60, 120, 180] as const;

/** Reasons that the next samples can remove: too little was measured of both versions, or the new one is still warming up. */
const TOLD_LATER: ReadonlySet<ReasonCode> = new Set<ReasonCode>(['not_proved', 'warming_up']);

/**
 * Returns whether a question can become an automatic rollback because metrics by version prove the suspect later: right after
 * a fast alert, two versions have not served side by side for long enough.
 */
export function canBeProvedLater(
  { kind, reasons, target, from_version: from }: Pick<DecisionView, 'kind' | 'reasons' | 'target' | 'from_version'>,
  { request, evidence, targets }: Pick<DecisionInputs, 'request' | 'evidence' | 'targets'>,
): boolean {
  const measured = [evidence.by_version ?? [], evidence.callers?.versions ?? []];
  const policy = targets.find(({ service }) => service === target?.service)?.policy;
  return (
    kind === 'approve' &&
    request.by !== 'person' &&
    from !== null &&
    measured.some((versions) => versions.length > 1 && versions.some(({ version }) => sameVersion(version, from))) &&
    // Where timing is enough to act, the operator has chosen when.
    policy?.evidence !== 'time' &&
    reasons.some(({ code }) => TOLD_LATER.has(code)) &&
    reasons.every(({ code }) => code !== 'mode_approve')
  );
}

/** Returns the strongest reason for the suspect that is asked about, if it is proved now. Null: it is not, or the rollback would be another one. */
export const laterProof = (before: Parameters<typeof isSameRollback>[0], now: Decision): string | null =>
  now.kind === 'roll_back' && isSameRollback(before, now)
    ? (now.suspects.find(({ change_id }) => change_id === now.suspect)?.reasons[0] ?? '')
    : null;
