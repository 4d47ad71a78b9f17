import { isJudgedWhileWaiting, LOOKS_SECONDS, whyJudgedAgain } from '../../../../core/domain/rollback/later-proof.ts';
import type { Decision, DecisionInputs, TargetInputs } from '../../../../core/domain/rollback/judgement.ts';
import { decide, weighed } from '../../../../core/domain/rollback/rollback.ts';
import { secondsOfWaits, WAITS_MAX } from '../../../../core/domain/rollback/wait.ts';

type EvidenceRequired = TargetInputs['policy']['evidence'];

/** Evidence that policy requires for automatic actions, without a controlled look: `autoRollback.evidence`. */
export type RequiredEvidence = Exclude<EvidenceRequired, 'tested'>;

/** Returns what the product has read so many seconds after the first judgement. */
type InputsAfter = (seconds: number) => Promise<DecisionInputs>;

/** Seconds that an automatic action waits for alerts of other services (the default of `settleSeconds`). */
const SETTLE_SECONDS = 10;

/** Returns the product's decision under a policy, by the same evidence. */
export const decideUnder = (inputs: DecisionInputs, evidence: EvidenceRequired): Decision =>
  decide(underPolicy(inputs, evidence));

export const underPolicy = (inputs: DecisionInputs, evidence: EvidenceRequired): DecisionInputs => ({
  ...inputs,
  targets: inputs.targets.map((target) => ({
    ...target,
    policy: { ...target.policy, evidence },
    ...(evidence === 'tested' && { has_look: true as const }),
  })),
});

/**
 * Judges as the workflow does, after its decisions to wait: a rollback without proof is judged again after the settling time, and done
 * only if the decision is the same. While a question waits, metrics by version can prove its suspect.
 *
 * @returns `later`: the decision to act that was proved while the question waited. Null: none was. `seconds`: from the first judgement to
 * the last one
 */
export async function judgedInTime(
  required: RequiredEvidence,
  inputsAfter: InputsAfter,
): Promise<{ decision: Decision; later: Decision | null; seconds: number }> {
  const waits = await waitsOf(required, inputsAfter);
  const waited = secondsOfWaits(waits);
  const inputsThen: InputsAfter = (seconds) => inputsAfter(waited + seconds);
  const first = await inputsThen(0);
  const decision = decideUnder({ ...first, waits_left: WAITS_MAX - waits }, required);
  const proved = await provedLater(first, required, inputsThen);
  const isSettled = decision.kind !== 'roll_back' || isProved(first, decision);
  return {
    decision: isSettled ? decision : decideUnder(await inputsThen(SETTLE_SECONDS), required),
    later: proved?.decision ?? null,
    seconds: waited + (proved?.seconds ?? 0),
  };
}

/** Returns how many decisions to wait precede the one that says what follows. */
export async function waitsOf(required: EvidenceRequired, inputsAfter: InputsAfter): Promise<number> {
  for (let waits = 0; ; waits += 1) {
    const inputs = { ...(await inputsAfter(secondsOfWaits(waits))), waits_left: WAITS_MAX - waits };
    if (decideUnder(inputs, required).kind !== 'wait') return waits;
  }
}

/** Returns the act that metrics by version prove while the question waits. Null: there is no question, or no proof. */
async function provedLater(
  first: DecisionInputs,
  required: RequiredEvidence,
  inputsAfter: InputsAfter,
): Promise<{ decision: Decision; seconds: number } | null> {
  const asked = questionOf(decideUnder(first, required));
  if (!isJudgedWhileWaiting(asked, underPolicy(first, required))) return null;
  for (const seconds of LOOKS_SECONDS) {
    const decision = decideUnder(await inputsAfter(seconds), required);
    const isAct = decision.kind === 'roll_back';
    if (isAct && whyJudgedAgain(asked, decision, first.evidence) !== null) return { decision, seconds };
  }
  return null;
}

const questionOf = ({ kind, reasons, target, from, to }: Decision) => ({
  kind,
  reasons,
  target,
  from_version: from,
  to_version: to,
});

/** Returns whether the product acts at once, because other alerts would not change the decision. */
const isProved = (inputs: DecisionInputs, { from }: Decision): boolean =>
  !inputs.one_of_many && weighed(inputs).suspects.some(({ version, proof }) => proof !== null && version === from);
