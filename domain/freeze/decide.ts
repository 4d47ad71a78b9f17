import type { CheckReason, Verdict } from '../../schemas/freeze-check.ts';
import type { CheckInputs } from './check-inputs.ts';
import type { Finding } from './finding.ts';
import { freezeFindings } from './holding.ts';
import { type Knowledge, knowledgeOf, staleFindings, unknownService } from './knowledge.ts';
import { deploymentKey, type Usable } from './overrides.ts';
import { type Pass, passReason } from './passes.ts';
import { pinFindings } from './pinned.ts';
import { placeFindings } from './place-names.ts';
import { nextTransition } from './transitions.ts';
import { budgetWarnings } from './warnings.ts';

/** What an answer is made of. Whoever asks several things about the same inputs finds it out once. */
export type Examined = { knowledge: Knowledge; found: readonly Finding[] };

export function examine(inputs: CheckInputs): Examined {
  const knowledge = knowledgeOf(inputs);
  const found = [
    ...pinFindings(inputs),
    ...unknownService(inputs),
    ...placeFindings(inputs),
    ...freezeFindings(inputs),
    ...staleFindings(inputs, knowledge),
    ...budgetWarnings(inputs),
  ];
  return { knowledge, found };
}

/**
 * Whether a change is allowed now, and why. The same inputs give the same verdict, at any time and anywhere. Nothing is
 * used up by asking: an override that is good lets it through, and `usesOf` says what has to be counted when it goes.
 */
export function decide(inputs: CheckInputs, { knowledge, found }: Examined = examine(inputs)): Verdict {
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
    override: override === undefined ? null : shown(override),
  };
}

/**
 * What a decision depends on, without clocks and numbers that move: as long as it is the same, so is the verdict for the
 * same request. The check names its decisions by a hash of both.
 */
export function stateOf(inputs: CheckInputs, { found }: Examined = examine(inputs)): DecisionState {
  const { service, environment, team } = inputs.place;
  return {
    place: { service, environment, team },
    findings: found.map(({ code, effect, key }) => `${effect} ${code} ${key}`).toSorted(),
  };
}

export type DecisionState = { place: CheckInputs['place']; findings: string[] };

/** An override of which a deployment takes a use. `deployment`: what it is counted by; null: each time anew. */
export type Use = { freeze: string; override: string; deployment: string | null };

/** What has to be counted when what was asked about is done, all of it, before it is. Empty: nothing, or it is refused. */
export function usesOf(inputs: CheckInputs, { found }: Examined = examine(inputs)): Use[] {
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

/** What lets it through. Empty: nothing holds it, or something does that nothing lets it through. */
const passesOf = (found: readonly Finding[]): Pass[] =>
  isRefused(found) ? [] : found.flatMap(({ pass }) => pass ?? []);

/** First what refuses, else what lets it through; then what explains that, then what somebody should know. */
function reasonsOf(found: readonly Finding[], passes: readonly Pass[], inputs: CheckInputs): CheckReason[] {
  const of = (effect: Finding['effect']): CheckReason[] =>
    found.filter((finding) => finding.effect === effect).map(({ code, text }) => ({ code, text }));
  const reasons = [...of('refuse'), ...passes.map((pass) => passReason(pass, inputs)), ...of('note'), ...of('warn')];
  if (reasons.length === 0) return [{ code: 'clear', text: 'nothing speaks against it' }];
  return reasons.filter(({ text }, index) => reasons.findIndex((other) => other.text === text) === index);
}

const shown = ({ freeze, override, usesLeft }: Usable): Verdict['override'] => ({
  id: override.id,
  freeze_id: freeze.id,
  reason: override.reason,
  by: override.requested_by,
  expires_at: override.expires_at,
  uses_left: usesLeft,
});

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];
