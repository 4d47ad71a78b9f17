import type { CheckReason, Verdict } from '../schemas/freeze-check.ts';
import type { CheckInputs } from './check-inputs.ts';
import type { Finding } from './finding.ts';
import { freezeFindings } from './freeze-findings.ts';
import { type DataAge, dataAgeOf, staleFindings, storageFindings, unknownService } from './exemptions/data-age.ts';
import { deploymentKey, type UsableOverride } from './exemptions/overrides.ts';
import { type Pass, passReason } from './exemptions/passes.ts';
import { pinFindings } from './exemptions/pinned.ts';
import { nameFindings } from './name-findings.ts';
import { brief } from './words.ts';
import { nextTransition } from './transitions.ts';
import { budgetWarnings } from './budget/warnings.ts';

/** Intermediate result of a check: the verdict, its state, and the override uses are derived from it. */
export type Examination = { dataAge: DataAge; findings: readonly Finding[] };

/** Collects the findings for and against the change. */
export function examine(inputs: CheckInputs): Examination {
  const dataAge = dataAgeOf(inputs);
  const findings = [
    ...pinFindings(inputs),
    ...unknownService(inputs),
    ...nameFindings(inputs),
    ...freezeFindings(inputs),
    ...staleFindings(inputs, dataAge),
    ...storageFindings(inputs),
    ...budgetWarnings(inputs),
  ];
  return { dataAge, findings };
}

/**
 * Decides whether a change is allowed, with reasons. The same inputs always give the same verdict. The decision
 * consumes nothing: a valid override lets the change through, and `usesOf` returns the uses to count when the
 * deployment proceeds.
 */
export function decide(inputs: CheckInputs, { dataAge, findings }: Examination = examine(inputs)): Verdict {
  const refused = findings.filter(({ effect }) => effect === 'refuse');
  const passes = passesOf(findings);
  const override = passes.find((pass) => pass.by === 'override');
  return {
    allowed: refused.length === 0,
    verdict: verdictOf(findings),
    reasons: reasonsOf(findings, passes, inputs),
    data_age_s: dataAge.ageSeconds,
    stale: dataAge.stale.length > 0 || inputs.storageProblem !== undefined,
    next_transition_at: nextTransition(inputs, passes),
    clears_when: refused.length === 0 ? null : unique(refused.flatMap(({ clears }) => clears ?? [])).join('; and '),
    override: override === undefined ? null : overrideView(override),
  };
}

/**
 * Returns what a decision depends on, without times and numbers that change continuously: while it is equal, the same
 * request gets the same verdict. The check derives the decision ID from a hash of the request and this state.
 */
export function stateOf(inputs: CheckInputs, { findings }: Examination = examine(inputs)): DecisionState {
  const { service, environment, team } = inputs.scope;
  return {
    scope: { service, environment, team },
    findings: findings.map(({ code, effect, key }) => `${effect} ${code} ${key}`).toSorted(),
  };
}

export type DecisionState = { scope: CheckInputs['scope']; findings: string[] };

/**
 * A use of an override by a deployment. `deployment`: key under which the use is counted; null: each request counts
 * anew.
 */
export type Use = { freeze: string; override: string; deployment: string | null };

/**
 * Returns the override uses that must be counted, all of them, before the change proceeds. Empty: none, or the change
 * is refused.
 */
export function usesOf(inputs: CheckInputs, { findings }: Examination = examine(inputs)): Use[] {
  return passesOf(findings).flatMap((pass) =>
    pass.by === 'override'
      ? [
          {
            freeze: pass.freeze.id,
            override: pass.override.id,
            deployment: deploymentKey(pass.freeze, inputs),
          },
        ]
      : [],
  );
}

const verdictOf = (findings: readonly Finding[]): Verdict['verdict'] =>
  isRefused(findings) ? 'freeze' : findings.some(({ effect }) => effect === 'warn') ? 'warn' : 'allow';

const isRefused = (findings: readonly Finding[]): boolean => findings.some(({ effect }) => effect === 'refuse');

/** Returns the exemptions that let the change through. Empty: no freeze applies, or the change is refused. */
const passesOf = (findings: readonly Finding[]): Pass[] =>
  isRefused(findings) ? [] : findings.flatMap(({ pass }) => pass ?? []);

/** Orders the reasons: refusals or, if there are none, exemptions; then notes; then warnings. */
function reasonsOf(findings: readonly Finding[], passes: readonly Pass[], inputs: CheckInputs): CheckReason[] {
  const reasonsWith = (effect: Finding['effect']): CheckReason[] =>
    findings.filter((finding) => finding.effect === effect).map(({ code, text, more }) => ({ code, text, more }));
  const reasons = [
    ...reasonsWith('refuse'),
    ...passes.map((pass) => passReason(pass, inputs)),
    ...reasonsWith('note'),
    ...reasonsWith('warn'),
  ];
  if (reasons.length === 0) return [{ code: 'clear', text: 'no freeze applies' }];
  const byTexts = new Map(
    reasons.map((reason) => [JSON.stringify([reason.text, reason.more]), reason] as const).toReversed(),
  );
  return [...byTexts.values()].toReversed().map((reason) => brief(reason));
}

const overrideView = ({ freeze, override, usesLeft }: UsableOverride): Verdict['override'] => ({
  id: override.id,
  freeze_id: freeze.id,
  reason: override.reason,
  by: override.requested_by,
  expires_at: override.expires_at,
  uses_left: usesLeft,
});

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];
