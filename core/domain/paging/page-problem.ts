import { Severity } from '../../../schemas/config/names.ts';
import { clockText, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { isMeasuredTitle } from '../alerts/incident-title.ts';
import { lastingTitle } from '../alerts/lasting-title.ts';
import type { Evidence } from '../correlation/evidence.ts';
import { formatPercent } from '../correlation/words.ts';
import { laterProblemEnd } from '../incidents/new-onset.ts';
import type { Story } from '../messages/story.ts';

/** How many seconds a reported or measured value is shown. */
const VALUE_FRESH_SECONDS = 300;

/** Age in seconds of a measurement that is of this moment. */
const MEASURED_FRESH_SECONDS = 120;

/**
 * Says what is wrong now: the most severe of the newest alerts of the open problem, the share of failed requests, and the dependencies
 * that fail as well, as far as they are known. An incident that a person declared, or a group of many, has the title for that.
 *
 * @param known.evidence of the newest judgement of the open problem. Null: there is none
 * @param known.failing dependencies of the service that have an open incident. Those that the judgement has measured are named as well
 */
export function problemWords(
  { incident, signals, group }: Pick<Story, 'incident' | 'signals' | 'group'>,
  known: { evidence: Pick<Evidence, 'at' | 'health' | 'failing'> | null; failing: readonly string[] },
  now: Timestamp,
): string {
  const { unmatched, new_onset: onset } = incident;
  if (incident.group_reason !== undefined || unmatched === '') return group?.words ?? incident.title;
  const alert = firingUnmuted(signals)
    .filter(({ startsAt }) => onset === undefined || startsAt >= onset.recovered_at)
    .toSorted((a, b) => bySeverity(a.severity, b.severity) || (a.startsAt > b.startsAt ? -1 : 1))[0];
  const over = laterProblemEnd(incident);
  if (over !== undefined) return `${incident.title}, over since ${clockText(over)}`;
  const measured = shareOf(known.evidence, now);
  const wordedAt = alert && (alert.rewordedAt ?? alert.startsAt);
  const isTitleNewer =
    wordedAt !== undefined &&
    measured !== null &&
    wordedAt > measured.at &&
    secondsBetween(measured.at, now) > MEASURED_FRESH_SECONDS;
  const share = isTitleNewer ? null : measured;
  const isCurrent = share === null && wordedAt !== undefined && secondsBetween(wordedAt, now) <= VALUE_FRESH_SECONDS;
  const named = alert && (isCurrent ? alert.title : lastingTitle(alert.title));
  const title = named === undefined || (incident.by_hand === true && onset === undefined) ? incident.title : named;
  const words = [
    ...(isMeasuredTitle(title, incident) && share !== null ? [] : [title]),
    ...(share === null ? [] : [`${formatPercent(share.value)} of its requests failed at ${clockText(share.at)}`]),
  ].join(', ');
  const failing = [...new Set([...known.failing, ...measuredFailing(known.evidence, now)])];
  if (failing.length === 0) return words;
  return `${words}; ${failing.join(', ')}, on which it depends, ${failing.length === 1 ? 'fails' : 'fail'} as well`;
}

/** Returns the firing alerts that nothing has muted: an inhibited alert is a consequence of another one. All, if all are muted. */
export function firingUnmuted(signals: Story['signals']): Story['signals'] {
  const firing = signals.filter(({ status }) => status === 'firing');
  const loud = firing.filter(({ mute }) => mute === undefined);
  return loud.length === 0 ? firing : loud;
}

/** Returns the dependencies that failed by their own health at the judgement, if that is of this moment. */
const measuredFailing = (evidence: Pick<Evidence, 'at' | 'failing'> | null, now: Timestamp): string[] =>
  evidence === null || secondsBetween(evidence.at, now) > MEASURED_FRESH_SECONDS
    ? []
    : evidence.failing.flatMap(({ service, relation, measured }) =>
        relation === 'dependency' && measured !== undefined ? [service] : [],
      );

const bySeverity = (one: Severity, other: Severity): number =>
  Severity.options.indexOf(one) - Severity.options.indexOf(other);

/** Returns the newest measured share of failed requests, and its time. Null: not known, too old, or within its limit. */
function shareOf(evidence: Pick<Evidence, 'health'> | null, now: Timestamp): { value: number; at: Timestamp } | null {
  const { curve = [], whole, max = 0 } = evidence?.health ?? {};
  const last = curve.at(-1);
  if (whole === undefined || last === undefined || last[1] <= max) return null;
  return secondsBetween(last[0], now) > VALUE_FRESH_SECONDS ? null : { value: last[1] / whole, at: last[0] };
}
