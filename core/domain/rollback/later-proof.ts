import type { Version } from '../../../schemas/config/names.ts';
import type { DecisionView } from '../../../schemas/incidents/incident.ts';
import type { ReasonCode } from '../../../schemas/incidents/reason.ts';
import { isSameRollback } from '../changes/late-changes.ts';
import type { Evidence } from '../correlation/evidence.ts';
import { sameVersion } from '../changes/versions.ts';
import type { Decision, DecisionInputs } from './judgement.ts';

/** Seconds after a question at which the incident is judged anew. Later, most rollouts are over, and the old version is gone. */
export const LOOKS_SECONDS = [30, 60, 120, 180] as const;

/** Reasons that the next samples can remove: too little was measured of both versions, or the new one is still warming up. */
const TOLD_LATER: ReadonlySet<ReasonCode> = new Set<ReasonCode>(['not_proved', 'warming_up']);

/**
 * Returns whether a question is judged anew while it waits: right after a fast alert, another service may not be measured yet since the
 * problem began, and two versions have not served side by side for long enough for a proof.
 */
export function isJudgedWhileWaiting(
  decision: Pick<DecisionView, 'kind' | 'reasons' | 'target' | 'from_version'>,
  inputs: Pick<DecisionInputs, 'request' | 'evidence' | 'targets'>,
): boolean {
  const { kind, target, from_version: from } = decision;
  if (kind !== 'approve' || inputs.request.by === 'person' || from === null) return false;
  return target?.service !== inputs.evidence.service || canBeProvedLater({ ...decision, from_version: from }, inputs);
}

/** Returns whether a question can become an automatic rollback because metrics by version prove the suspect later. */
function canBeProvedLater(
  { reasons, target, from_version: from }: Pick<DecisionView, 'reasons' | 'target'> & { from_version: Version },
  { evidence, targets }: Pick<DecisionInputs, 'evidence' | 'targets'>,
): boolean {
  const measured = [evidence.by_version ?? [], evidence.callers?.versions ?? []];
  const policy = targets.find(({ service }) => service === target?.service)?.policy;
  return (
    measured.some((versions) => versions.length > 1 && versions.some(({ version }) => sameVersion(version, from))) &&
    // Where timing is enough to act, the operator has chosen when.
    policy?.evidence !== 'time' &&
    reasons.some(({ code }) => TOLD_LATER.has(code)) &&
    reasons.every(({ code }) => code !== 'mode_approve')
  );
}

/**
 * Returns why a question is withdrawn, and the incident judged again: the suspect is proved now, or a question about another service than
 * the incident's would not be asked any more. Null: it still holds.
 */
export function whyJudgedAgain(
  before: Pick<DecisionView, 'kind' | 'target' | 'from_version' | 'to_version'>,
  now: Decision,
  { service }: Pick<Evidence, 'service'>,
): string | null {
  const isSame = isSameRollback(before, now);
  if (now.kind === 'roll_back' && isSame) {
    const proof = now.suspects.find(({ change_id }) => change_id === now.suspect)?.reasons[0] ?? '';
    return `${before.from_version} is proved now: ${proof}`;
  }
  if (before.target?.service === service || (isSame && now.kind !== 'none')) return null;
  return `${before.target?.service} ${before.from_version} is no longer the probable cause: ${now.reasons[0]?.text ?? ''}`;
}
