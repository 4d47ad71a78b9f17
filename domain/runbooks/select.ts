import type { Runbook } from '../../schemas/runbook.ts';
import { matches } from '../matchers.ts';
import { holds } from './cel.ts';
import type { Variables } from './variables.ts';
import { declarationsOf } from './walk.ts';

export type Selection = {
  /** Null: none is for this alert. */
  chosen: Runbook | null;
  /** Every other one, and why it was not taken. */
  others: { name: string; why: string }[];
};

/** The highest priority first; of equals, the first by the name of its file. */
export const byPriority = (runbooks: readonly Runbook[]): Runbook[] =>
  runbooks.toSorted((a, b) => b.priority - a.priority || (a.file < b.file ? -1 : a.file > b.file ? 1 : 0));

/**
 * Which runbook answers an alert: of those whose matchers, services, environments, severities and `when` hold, the one
 * of the highest priority.
 *
 * @param labels as routes see them (`routingLabels`): with `service`, `environment` and `severity` as understood
 * @param variables for `when`: the incident as it is, nothing done yet
 */
export function select(
  runbooks: readonly Runbook[],
  labels: ReadonlyMap<string, string>,
  variables: Variables,
): Selection {
  const selection: Selection = { chosen: null, others: [] };
  for (const runbook of byPriority(runbooks)) {
    const why = whyNot(runbook, labels, variables);
    if (why === null && selection.chosen === null) selection.chosen = runbook;
    else selection.others.push({ name: runbook.name, why: why ?? `${selection.chosen?.name ?? ''} comes first` });
  }
  return selection;
}

function whyNot(runbook: Runbook, labels: ReadonlyMap<string, string>, variables: Variables): string | null {
  for (const [key, label] of PLACES) {
    const allowed: readonly string[] | undefined = runbook[key];
    const value = labels.get(label) ?? '';
    if (allowed !== undefined && !allowed.includes(value)) return `not for ${label} ${JSON.stringify(value)}`;
  }
  if (!runbook.match.any.some((matchers) => matches(matchers, labels))) return 'its matchers do not hold';
  const held = holds(runbook.when, declarationsOf(runbook), variables);
  if (!held.ok) return `its "when" could not be told: ${held.detail}`;
  return held.value ? null : 'its "when" is not true';
}

/** Which key of a runbook limits which label. */
export const PLACES = [
  ['services', 'service'],
  ['environments', 'environment'],
  ['severity', 'severity'],
] as const;

/** A runbook that takes a version back asks for the rollback, where the alert's own label does not. */
export const asksRollback = (runbook: Runbook): boolean =>
  runbook.steps.some((step) =>
    'parallel' in step ? step.parallel.some(({ uses }) => uses === 'rollback') : step.uses === 'rollback',
  );
