import type { Matcher } from '../schemas/matcher-syntax.ts';
import { Temporal } from 'temporal-polyfill';
import { type MaintenanceWindow, type RecurringWindow, secondsOf } from '../schemas/maintenance.ts';
import { occurrences } from '../schemas/recurrence.ts';
import { plusSeconds, type Timestamp } from '../schemas/time.ts';
import { instantOf, localTime } from '../schemas/time-zone.ts';

/** A window of maintenance as it stands open: `from` is in it, `until` is not. */
export type OpenWindow = {
  name: string;
  matchers: readonly Matcher[];
  from: Timestamp;
  until: Timestamp;
  reason: string | null;
  by: string | null;
};

/** The windows that are open at this instant. One that recurs before it has ended is there more than once. */
export const windowsAt = (windows: readonly MaintenanceWindow[], at: Timestamp): OpenWindow[] =>
  windows.flatMap((window) =>
    spansAround(window, at)
      .filter(({ from, until }) => from <= at && at < until)
      .map((span) => ({
        name: window.name,
        matchers: window.matchers,
        ...span,
        reason: window.reason ?? null,
        by: window.by ?? null,
      })),
  );

type Span = { from: Timestamp; until: Timestamp };

/** At least all that hold this instant. */
const spansAround = (window: MaintenanceWindow, at: Timestamp): Span[] =>
  'rrule' in window ? occurrencesAround(window, at) : [{ from: window.from, until: window.until }];

/** More than any change of clocks: a place has skipped a day before, to be on the other side of the date line. */
const CLOCK_CHANGE_MAX = Temporal.Duration.from({ hours: 25 });

function occurrencesAround({ rrule, start, timeZone, duration }: RecurringWindow, at: Timestamp): Span[] {
  const now = localTime(at, timeZone).toZonedDateTime('UTC');
  const earliest = now.subtract(Temporal.Duration.from(duration)).subtract(CLOCK_CHANGE_MAX);
  const begun = occurrences(rrule, Temporal.PlainDateTime.from(start), timeZone);
  return begun.between(earliest, now.add(CLOCK_CHANGE_MAX), true).map((local) => {
    const from = instantOf(local.toPlainDateTime(), timeZone, 'first');
    return { from, until: plusSeconds(from, secondsOf(duration)) };
  });
}
