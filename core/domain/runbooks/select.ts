import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import { matches } from '../alerts/matchers.ts';
import { holds } from './cel/cel.ts';
import type { Variables } from './variables.ts';
import { declarationsOf } from './located-steps.ts';

export type Selection = {
  /** Null: no runbook applies to the alert. */
  chosen: Runbook | null;
  /** All other runbooks, with the reasons. */
  others: { name: string; why: string }[];
};

/** Sorts by priority, highest first; ties by file name. */
export const byPriority = (runbooks: readonly Runbook[]): Runbook[] =>
  runbooks.toSorted((a, b) => b.priority - a.priority || (a.file < b.file ? -1 : a.file > b.file ? 1 : 0));

/**
 * Selects the runbook for an alert: the highest priority among those whose matchers, services, environments,
 * severities, and `when` hold.
 *
 * @param labels labels as in routing (`routingLabels`), with the normalized `service`, `environment`, and `severity`
 * @param variables variables for `when`: the incident at present, with no step executed
 */
export function select(
  runbooks: readonly Runbook[],
  labels: ReadonlyMap<string, string>,
  variables: Variables,
): Selection {
  const selection: Selection = { chosen: null, others: [] };
  for (const runbook of byPriority(runbooks)) {
    const why = rejectionReason(runbook, labels, variables);
    if (why === null && selection.chosen === null) selection.chosen = runbook;
    else selection.others.push({ name: runbook.name, why: why ?? `${selection.chosen?.name ?? ''} has precedence` });
  }
  return selection;
}

/** Returns whether a runbook is for alerts with these labels, whatever its `when` says about the incident. */
export const matchesLabels = (runbook: Runbook, labels: ReadonlyMap<string, string>): boolean =>
  rejectionByLabels(runbook, labels) === null;

function rejectionByLabels(runbook: Runbook, labels: ReadonlyMap<string, string>): string | null {
  for (const [key, label] of SCOPE_LABELS) {
    const allowed: readonly string[] | undefined = runbook[key];
    const value = labels.get(label) ?? '';
    if (allowed !== undefined && !allowed.includes(value)) return `does not apply to ${label} ${JSON.stringify(value)}`;
  }
  return runbook.match.any.some((matchers) => matches(matchers, labels)) ? null : 'its matchers do not match';
}

function rejectionReason(runbook: Runbook, labels: ReadonlyMap<string, string>, variables: Variables): string | null {
  const byLabels = rejectionByLabels(runbook, labels);
  if (byLabels !== null) return byLabels;
  const condition = holds(runbook.when, declarationsOf(runbook), variables);
  if (!condition.ok) return `its "when" could not be evaluated: ${condition.detail}`;
  return condition.value ? null : 'its "when" is not true';
}

/** Keys of a runbook and the labels that they restrict. */
export const SCOPE_LABELS = [
  ['services', 'service'],
  ['environments', 'environment'],
  ['severity', 'severity'],
] as const;

/** Returns whether a runbook has a rollback step, which requests a rollback even if the alert's own label does not. */
export const hasRollbackStep = (runbook: Runbook): boolean =>
  runbook.steps.some((step) =>
    'parallel' in step ? step.parallel.some(({ uses }) => uses === 'rollback') : step.uses === 'rollback',
  );
