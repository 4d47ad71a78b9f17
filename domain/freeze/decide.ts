import type { CheckReason, Verdict } from '../../schemas/freeze/freeze-check.ts';
import type { CheckInputs } from './check-inputs.ts';
import type { Finding } from './finding.ts';
import { freezeFindings } from './freeze-findings.ts';
import { type DataAge, dataAgeOf, staleFindings, unknownService } from './exemptions/knowledge.ts';
import { deploymentKey, type Usable } from './exemptions/overrides.ts';
import { type Pass, passReason } from './exemptions/passes.ts';
import { pinFindings } from './exemptions/pinned.ts';
import { nameFindings } from './known-names.ts';
import { nextTransition } from './transitions.ts';
import { budgetWarnings } from './budget/warnings.ts';

/** Intermediate result of a check: the verdict, its state, and the override uses are derived from it. */
export type Examination = { dataAge: DataAge; findings: readonly Finding[] };

/** Collects everything that speaks for or against the change. */
export function examine(inputs: CheckInputs): Examination {
  const knowledge = dataAgeOf(inputs);
  const found = [
    ...pinFindings(inputs),
    ...unknownService(inputs),
    ...nameFindings(inputs),
    ...freezeFindings(inputs),
    ...staleFindings(inputs, knowledge),
    ...budgetWarnings(inputs),
  ];
  return { dataAge: knowledge, findings: found };
}

/**
 * Decides whether a change is allowed, with reasons. The same inputs always give the same verdict. The decision
 * consumes nothing: a valid override lets the change through, and `usesOf` returns the uses to count when the
 * deployment proceeds.
 */
export function decide(
  inputs: CheckInputs,
  { dataAge: knowledge, findings: found }: Examination = examine(inputs),
): Verdict {
  const refused = found.filter(({ effect }) => effect === 'refuse');
  const passes = passesOf(found);
  const override = passes.find((pass) => pass.by === 'override');
  return {
    allowed: refused.length === 0,
    verdict: verdictOf(found),
    reasons: reasonsOf(found, passes, inputs),
    data_age_s: knowledge.ageSeconds,
    stale: knowledge.stale.length > 0,
    next_transition_at: nextTransition(inputs, passes),
    clears_when: refused.length === 0 ? null : unique(refused.flatMap(({ clears }) => clears ?? [])).join('; and '),
    override: override === undefined ? null : overrideView(override),
  };
}

/**
 * Returns what a decision depends on, without times and numbers that change continuously: while it is equal, the same
 * request gets the same verdict. The check derives the decision ID from a hash of the request and this state.
 */
export function stateOf(inputs: CheckInputs, { findings: found }: Examination = examine(inputs)): DecisionState {
  const { service, environment, team } = inputs.scope;
  return {
    scope: { service, environment, team },
    findings: found.map(({ code, effect, key }) => `${effect} ${code} ${key}`).toSorted(),
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
export function usesOf(inputs: CheckInputs, { findings: found }: Examination = examine(inputs)): Use[] {
  return passesOf(found).flatMap((pass) =>
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

const verdictOf = (found: readonly Finding[]): Verdict['verdict'] =>
  isRefused(found) ? 'freeze' : found.some(({ effect }) => effect === 'warn') ? 'warn' : 'allow';

const isRefused = (found: readonly Finding[]): boolean => found.some(({ effect }) => effect === 'refuse');

/** Returns the exemptions that let the change through. Empty: no freeze applies, or the change is refused. */
const passesOf = (found: readonly Finding[]): Pass[] =>
  isRefused(found) ? [] : found.flatMap(({ pass }) => pass ?? []);

/** Orders the reasons: refusals or, if there are none, exemptions; then notes; then warnings. */
function reasonsOf(found: readonly Finding[], passes: readonly Pass[], inputs: CheckInputs): CheckReason[] {
  const of = (effect: Finding['effect']): CheckReason[] =>
    found.filter((finding) => finding.effect === effect).map(({ code, text }) => ({ code, text }));
  const reasons = [...of('refuse'), ...passes.map((pass) => passReason(pass, inputs)), ...of('note'), ...of('warn')];
  if (reasons.length === 0) return [{ code: 'clear', text: 'no freeze applies' }];
  return reasons.filter(({ text }, index) => reasons.findIndex((other) => other.text === text) === index);
}

const overrideView = ({ freeze, override, usesLeft }: Usable): Verdict['override'] => ({
  id: override.id,
  freeze_id: freeze.id,
  reason: override.reason,
  by: override.requested_by,
  expires_at: override.expires_at,
  uses_left: usesLeft,
});

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];
