/**
 * Annotation with which Grafana says why an alert has its state, if the rule was not measured. With an external Alertmanager, it
 * arrives in the format of that. Several reasons are separated by commas, such as `Error, KeepLast`. When the rule is measured
 * again, Grafana repeats the end without the annotation.
 *
 * @see https://grafana.com/docs/grafana/latest/alerting/fundamentals/alert-rule-evaluation/stale-alert-instances/
 */
const STATE_REASON = 'grafana_state_reason';

/** What each reason means, to follow the title of an alert. */
const MEANINGS: Readonly<Record<string, string>> = {
  Error: 'its rule could not be evaluated',
  NoData: 'its query returns no data',
  MissingSeries: 'its series is missing from the results of its query',
  Paused: 'its rule was paused',
  Updated: 'its rule was changed',
  RuleDeleted: 'its rule was deleted',
};

/**
 * Returns why the state of an alert was not measured, in words that end with the reason of the sender. Null: it was measured, or
 * the sender gives no reason. A reason that is not known here counts: nothing shows that it is a measurement.
 *
 * @example 'its rule was paused (Paused)'
 */
export function unmeasuredBecause(annotations: ReadonlyMap<string, string>): string | null {
  const reason = annotations.get(STATE_REASON)?.trim() ?? '';
  if (reason === '') return null;
  const [first = ''] = reason.split(',');
  const meaning = Object.hasOwn(MEANINGS, first) ? MEANINGS[first] : 'its sender gives a reason for its state';
  return `${meaning} (${reason})`;
}
