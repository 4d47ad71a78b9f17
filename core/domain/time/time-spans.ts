import { Temporal } from 'temporal-polyfill';
import { type Occurrences, occurrences } from '../../../schemas/time/recurrence.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { type RecurringSpan, secondsOf, type SingleSpan, type TimeSpan } from '../../../schemas/time/time-span.ts';
import { instantOf, localTime } from '../../../schemas/time/time-zone.ts';

/** Returns the spans that include this instant; several if the span recurs before it ends. */
export const spansAt = (span: TimeSpan, at: Timestamp): SingleSpan[] =>
  ('rrule' in span ? occurrencesAround(span, at) : [{ from: span.from, until: span.until }]).filter(
    ({ from, until }) => from <= at && at < until,
  );

/** Returns the first span that starts after this instant. Undefined: none. */
export function nextSpan(span: TimeSpan, at: Timestamp): SingleSpan | undefined {
  if (!('rrule' in span)) return at < span.from ? { from: span.from, until: span.until } : undefined;
  const near = occurrencesAround(span, at)
    .filter(({ from }) => at < from)
    .toSorted((a, b) => (a.from < b.from ? -1 : 1))[0];
  if (near !== undefined) return near;
  const local = rulesOf(span).next(localAt(span, at).add(CLOCK_CHANGE_MAX));
  return local === null ? undefined : occurrence(span, local);
}

/** Returns the spans that overlap the time from `from` to `until`, oldest first. */
export function spansBetween(span: TimeSpan, from: Timestamp, until: Timestamp): SingleSpan[] {
  const all = 'rrule' in span ? occurrencesBetween(span, from, until) : [{ from: span.from, until: span.until }];
  return all.filter((candidate) => candidate.from < until && from < candidate.until);
}

/** Upper bound of clock changes: a time zone can skip a whole day when it moves across the date line. */
const CLOCK_CHANGE_MAX = Temporal.Duration.from({ hours: 25 });

/** Returns at least all spans that include this instant or start within a clock change after it. */
const occurrencesAround = (span: RecurringSpan, at: Timestamp): SingleSpan[] => occurrencesBetween(span, at, at);

/** Returns at least all spans that overlap this time or start within a clock change after it. */
function occurrencesBetween(span: RecurringSpan, from: Timestamp, until: Timestamp): SingleSpan[] {
  const earliest = localAt(span, from).subtract(Temporal.Duration.from(span.duration)).subtract(CLOCK_CHANGE_MAX);
  return rulesOf(span)
    .between(earliest, localAt(span, until).add(CLOCK_CHANGE_MAX), true)
    .map((local) => occurrence(span, local));
}

/** Returns the local clock time, represented as UTC. */
const localAt = ({ timeZone }: RecurringSpan, at: Timestamp): Temporal.ZonedDateTime =>
  localTime(at, timeZone).toZonedDateTime('UTC');

const rulesOf = ({ rrule, start, timeZone }: RecurringSpan): Occurrences =>
  occurrences(rrule, Temporal.PlainDateTime.from(start), timeZone);

function occurrence({ timeZone, duration }: RecurringSpan, local: Temporal.ZonedDateTime): SingleSpan {
  const from = instantOf(local.toPlainDateTime(), timeZone, 'first');
  return { from, until: plusSeconds(from, secondsOf(duration)) };
}
