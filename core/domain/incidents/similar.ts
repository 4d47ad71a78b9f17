import type { ChangeKind } from '../../../schemas/changes/change.ts';
import type { SimilarIncident } from '../../../schemas/incidents/similar.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { aChange } from '../correlation/words.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** What incidents are compared by. `labels`: of all alerts, without those in `IGNORED_LABELS`. */
export type Comparable = {
  alerts: ReadonlySet<string>;
  labels: ReadonlySet<string>;
  /** Kind of the most probable cause. Null: none is known. */
  suspect: ChangeKind | null;
};

/** Why two incidents of one service and environment are similar. `score`: for their order only. */
export type Similarity = { score: number; reasons: string[] };

const LABELS_SHOWN_MAX = 3;

/** Names and labels come from the senders of alerts, and are stored with the incident. */
const NAME_MAX_CHARS = 80;

/**
 * Compares two incidents of the same service and environment. Null: not similar. The same alert makes them similar by
 * itself; otherwise both the labels and the kind of the suspect must agree.
 */
export function similarity(incident: Comparable, earlier: Comparable): Similarity | null {
  const alerts = [...incident.alerts].filter((name) => earlier.alerts.has(name));
  const labels = [...incident.labels].filter((label) => earlier.labels.has(label)).toSorted();
  const suspect = incident.suspect !== null && incident.suspect === earlier.suspect ? incident.suspect : null;
  if (alerts.length === 0 && (labels.length === 0 || suspect === null)) return null;
  const named = labels.slice(0, LABELS_SHOWN_MAX).map((label) => truncated(label, NAME_MAX_CHARS));
  const labelCount = new Set([...incident.labels, ...earlier.labels]).size;
  return {
    score:
      (alerts.length > 0 ? 4 : 0) +
      (labelCount === 0 ? 0 : (2 * labels.length) / labelCount) +
      (suspect === null ? 0 : 1),
    reasons: [
      ...(alerts.length > 0 ? [`same alert: ${truncated(alerts.toSorted()[0] ?? '', NAME_MAX_CHARS)}`] : []),
      ...(named.length > 0 ? [`same labels: ${named.join(', ')}`] : []),
      ...(suspect === null ? [] : [`the suspect was also ${aChange(suspect)}`]),
    ],
  };
}

/** Labels that every alert of a service and environment has, or that say nothing about the failure. */
const IGNORED_LABELS: ReadonlySet<string> = new Set([
  'alertname',
  'service',
  'environment',
  'env',
  'severity',
  'action',
  'runbook',
  'team',
]);

/** Returns what an incident is compared by. Without an alert, its title stands for the name of one. */
export function comparableOf(
  signals: readonly { labels: readonly (readonly [string, string])[] }[],
  title: string,
  suspect: ChangeKind | null,
): Comparable {
  const pairs = signals.flatMap(({ labels }) => labels);
  const names = pairs.flatMap(([name, value]) => (name === 'alertname' ? [value] : []));
  return {
    alerts: new Set(names.length > 0 ? names : [title]),
    labels: new Set(
      pairs.flatMap(([name, value]) => (IGNORED_LABELS.has(name) || value === '' ? [] : [`${name}=${value}`])),
    ),
    suspect,
  };
}

const DAY_SECONDS = 86_400;

/** Describes a similar incident: `3 weeks ago; same alert: Errors; fixed by a rollback of v2 to v1; 1 action item still open`. */
export const similarWords = (
  { opened_at, reasons, fixed_by, open_action_items: items }: SimilarIncident,
  now: Timestamp,
): string =>
  [
    agoWords(secondsBetween(opened_at, now)),
    ...reasons,
    ...(fixed_by === null ? [] : [fixed_by]),
    ...(items === 0 ? [] : [items === 1 ? 'its action item is still open' : `${items} action items are still open`]),
  ].join('; ');

function agoWords(seconds: number): string {
  const days = Math.floor(seconds / DAY_SECONDS);
  if (days >= 14) return `${Math.floor(days / 7)} weeks ago`;
  if (days >= 2) return `${days} days ago`;
  const hours = Math.floor(seconds / 3600);
  return hours >= 2 ? `${hours} hours ago` : 'in the last two hours';
}
