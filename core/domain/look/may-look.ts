import type { DecisionView } from '../../../schemas/incidents/incident.ts';
import type { ReasonCode } from '../../../schemas/incidents/reason.ts';
import { isSameRollback } from '../changes/late-changes.ts';
import type { DecisionInputs } from '../rollback/judgement.ts';
import { decide } from '../rollback/rollback.ts';

/** Why a look is refused, also if a person requests it: the old version may not work, or automation must not act. */
const REFUSED: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'migration_in_deploy',
  'rollback_not_safe',
  'paused',
  'incident_paused',
  'organisation_limit',
  'rate_limited',
]);

type Asked = Pick<
  DecisionView,
  'kind' | 'reasons' | 'state' | 'target' | 'from_version' | 'to_version' | 'question' | 'offers'
>;

/** Returns why the versions of a question can't be tested. Null: they can, if the target allows it. */
export function whyNoLook(
  decision: Asked,
  { targets, evidence, guard, incident_paused: isPaused }: DecisionInputs,
): string | null {
  const { kind, reasons, state, target, from_version: from, to_version: to } = decision;
  if (kind !== 'approve' || state !== 'waiting') return 'no question about a rollback is waiting';
  if (decision.question !== undefined || decision.offers !== undefined || from === null || to === null)
    return 'the question is not about one version';
  if (target?.service !== evidence.service) return 'the question is about another service';
  if (targets[0]?.has_look !== true)
    return 'the controlled look is off: set look: {} at the environment in services.yaml';
  if (guard.state === 'unreadable' || guard.paused || isPaused) return 'automation is paused';
  return reasons.find(({ code }) => REFUSED.has(code))?.text ?? null;
}

/**
 * Returns whether automation tests the versions of a question by itself: it would roll back without asking if a fresh instance
 * of the new version alone failed.
 */
export function looksUnasked(decision: Asked, inputs: DecisionInputs): boolean {
  const { from_version: from, to_version: to } = decision;
  if (whyNoLook(decision, inputs) !== null || inputs.request.by === 'person' || from === null || to === null)
    return false;
  const { evidence } = inputs;
  if (evidence.look !== undefined && evidence.look.suspect === from) return false;
  const tested = { suspect: from, other: to, verdict: 'only_suspect', text: '', at: evidence.at } as const;
  const then = decide({ ...inputs, evidence: { ...evidence, look: tested } });
  return then.kind === 'roll_back' && isSameRollback(decision, then);
}
