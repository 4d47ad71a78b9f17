import type { InhibitRule } from '../../../schemas/alerts/routes.ts';
import { type MatchedLabels, matches, valueOf } from './matchers.ts';
import type { Mute } from './routing.ts';

/** A firing alert that can inhibit others. `labels`: as matchers see them (`matchedLabels`). */
export type Inhibitor = { title: string; labels: MatchedLabels };

/**
 * Returns the groups in which an alert with these labels inhibits others: one for each rule of which it is a source. A group has the
 * values of the labels in `equal`, and whether its alerts are also targets, so that one of them inhibits whatever looks for the group.
 */
export const groupsOfSource = (rules: readonly InhibitRule[], labels: Inhibitor['labels']): string[] =>
  rules
    .filter(({ source_matchers: sources }) => matches(sources, labels))
    .map((rule) => groupOf(rule, labels, matches(rule.target_matchers, labels)));

/** Returns the groups whose alerts inhibit an alert with these labels. */
export const groupsOfTarget = (rules: readonly InhibitRule[], labels: Inhibitor['labels']): string[] =>
  rules
    .filter(({ target_matchers: targets }) => matches(targets, labels))
    .flatMap((rule) =>
      (matches(rule.source_matchers, labels) ? [false] : [false, true]).map((both) => groupOf(rule, labels, both)),
    );

const groupOf = (rule: InhibitRule, labels: Inhibitor['labels'], isTarget: boolean): string =>
  JSON.stringify([
    rule.source_matchers,
    rule.target_matchers,
    rule.equal.map((name) => [name, valueOf(labels, name)]),
    isTarget,
  ]);

/**
 * Returns the mute of an alert while another one fires, as Alertmanager has it: labels in `equal` have the same value in
 * both, or are missing in both. Alerts that match both sides of a rule don't inhibit each other.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#inhibit_rule
 */
export function inhibitedBy(
  rules: readonly InhibitRule[],
  labels: Inhibitor['labels'],
  firing: readonly Inhibitor[],
): Mute | null {
  for (const { source_matchers: sources, target_matchers: targets, equal } of rules) {
    if (!matches(targets, labels)) continue;
    const isSource = matches(sources, labels);
    const inhibitor = firing.find(
      (one) =>
        matches(sources, one.labels) &&
        equal.every((name) => valueOf(one.labels, name) === valueOf(labels, name)) &&
        !(isSource && matches(targets, one.labels)),
    );
    if (inhibitor !== undefined) return { by: 'inhibition', name: inhibitor.title, until: null, reason: '' };
  }
  return null;
}

/**
 * Returns those of the alerts that inhibit others among them. A sender that inhibits nothing, such as Grafana, sends the
 * cause and its effects in one request, in any order.
 */
export function inhibitingWithin<Alert extends Inhibitor>(
  rules: readonly InhibitRule[],
  alerts: readonly Alert[],
): Alert[] {
  const inhibiting = rules.flatMap(({ source_matchers: sources, target_matchers: targets, equal }) => {
    const keyOf = ({ labels }: Alert): string => JSON.stringify(equal.map((name) => valueOf(labels, name)));
    const ofSources = alerts.filter(({ labels }) => matches(sources, labels));
    const ofTargets = alerts.filter(({ labels }) => matches(targets, labels));
    const both = new Set(ofSources).intersection(new Set(ofTargets));
    const onlyTargets = new Set(ofTargets.filter((alert) => !both.has(alert)).map(keyOf));
    const allTargets = new Set(ofTargets.map(keyOf));
    // Alerts that match both sides inhibit only those that match one.
    return ofSources.filter((alert) => (both.has(alert) ? onlyTargets : allTargets).has(keyOf(alert)));
  });
  return [...new Set(inhibiting)];
}
