import type { DecisionInputs } from '../../../domain/rollback/judgement.ts';
import { DECIDE_VERSION } from '../../../domain/rollback/guards.ts';
import { decide } from '../../../domain/rollback/rollback.ts';
import { type QuestionInputs, approvalReasons } from '../../../domain/runbooks/permission.ts';
import type { DecisionView } from '../../../schemas/incidents/incident.ts';
import { canonicalJson, sha256 } from '../../../cli/hash.ts';

/** Inputs of a rollback decision or of a runbook's approval. */
export type Inputs = DecisionInputs | QuestionInputs;

/** Evaluates a stored decision's inputs again and returns the differences. Empty: the same decision. */
export function differences(incident: string, number: number, stored: DecisionView, inputs: Inputs): string[] {
  return 'guards' in inputs
    ? fieldDifferences(
        { kind: 'approve', reasons: approvalReasons(inputs) },
        { kind: stored.kind, reasons: stored.reasons },
      )
    : decisionDifferences(incident, number, stored, inputs);
}

function decisionDifferences(incident: string, number: number, stored: DecisionView, inputs: DecisionInputs): string[] {
  const decision = decide(inputs);
  const { kind, reasons, from, to, target } = decision;
  const storedFields = { kind: stored.kind, reasons: stored.reasons };
  const change = { from: stored.from_version, to: stored.to_version, target: stored.target };
  // If a person chose one of several offers, target and versions were set after the evaluation.
  const changed = fieldDifferences(
    { kind, reasons, from, to, target },
    stored.chosen === undefined ? { ...storedFields, ...change } : storedFields,
  );
  const digest = sha256(canonicalJson({ id: incident, number, decision, inputs }));
  if (changed.length === 0 && digest !== stored.digest)
    changed.push('digest: fields that are not shown (suspects, onset) differ, or the inputs were altered');
  const { decide_version: version } = inputs;
  return changed.length === 0 || version === DECIDE_VERSION
    ? changed
    : [...changed, `made by version ${version} of the rules; this is version ${DECIDE_VERSION}`];
}

const fieldDifferences = (again: Record<string, unknown>, stored: Record<string, unknown>): string[] =>
  Object.keys(stored)
    .filter((name) => canonicalJson(again[name]) !== canonicalJson(stored[name]))
    .map((name) => `${name}: ${canonicalJson(stored[name])} then, ${canonicalJson(again[name])} now`);
