import type { DecisionInputs } from '../domain/rollback/judgement.ts';
import { DECIDE_VERSION } from '../domain/rollback/guards.ts';
import { decide } from '../domain/rollback/rollback.ts';
import { type QuestionInputs, whyAsked } from '../domain/runbooks/permission.ts';
import type { DecisionView } from '../schemas/incidents/incident.ts';
import { canonicalJson, sha256 } from './digest.ts';

/** Inputs of a rollback decision or of a runbook's approval. */
export type Inputs = DecisionInputs | QuestionInputs;

/** Evaluates a stored decision's inputs again and returns the differences. Empty: the same decision. */
export function differences(incident: string, number: number, stored: DecisionView, inputs: Inputs): string[] {
  return 'guards' in inputs
    ? compared({ kind: 'approve', reasons: whyAsked(inputs) }, { kind: stored.kind, reasons: stored.reasons })
    : judgedAgain(incident, number, stored, inputs);
}

function judgedAgain(incident: string, number: number, stored: DecisionView, inputs: DecisionInputs): string[] {
  const decision = decide(inputs);
  const { kind, reasons, from, to, target } = decision;
  const shown = { kind: stored.kind, reasons: stored.reasons };
  const change = { from: stored.from_version, to: stored.to_version, target: stored.target };
  // A choice sets the place and the versions afterwards.
  const found = compared(
    { kind, reasons, from, to, target },
    stored.chosen === undefined ? { ...shown, ...change } : shown,
  );
  const digest = sha256(canonicalJson({ id: incident, number, decision, inputs }));
  if (found.length === 0 && digest !== stored.digest)
    found.push('digest: fields that are not shown (suspects, onset) differ, or the inputs were altered');
  const { decide_version: version } = inputs;
  return found.length === 0 || version === DECIDE_VERSION
    ? found
    : [...found, `made by version ${version} of the rules; this is version ${DECIDE_VERSION}`];
}

const compared = (again: Record<string, unknown>, stored: Record<string, unknown>): string[] =>
  Object.keys(stored)
    .filter((name) => canonicalJson(again[name]) !== canonicalJson(stored[name]))
    .map((name) => `${name}: ${canonicalJson(stored[name])} then, ${canonicalJson(again[name])} now`);
