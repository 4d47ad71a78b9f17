import { Temporal } from 'temporal-polyfill';
import type { PublicIncident } from '../schemas/public-incident.ts';
import type { ComponentStatus } from '../schemas/states.ts';
import { millisOf, timestamp, type Timestamp } from '../../../schemas/time/time.ts';
import { worst } from './public-texts.ts';

export const UPTIME_DAYS = 90;

/** Share of an outage that counts as downtime, as Statuspage counts it. */
const WEIGHTS: Readonly<Record<ComponentStatus, number>> = {
  operational: 0,
  under_maintenance: 0,
  degraded_performance: 0,
  partial_outage: 0.3,
  major_outage: 1,
};

/** A day of a component in the time zone of its page. */
export type Day = {
  /** `2026-11-20` */
  date: string;
  /** The worst state of the day. Null: no data. */
  state: ComponentStatus | null;
  /** Minutes of each state other than operational. */
  minutes: Partial<Record<ComponentStatus, number>>;
};

export type Uptime = {
  days: Day[];
  /** Share of the time with data, 0 to 1. Null: less than a full day has data. */
  share: number | null;
};

const DAY_MS = 86_400_000;

type DayBounds = { date: string; from: number; until: number };

/** Returns the last days up to now, oldest first. The last one ends now. */
export function lastDays(now: Timestamp, timeZone: string): DayBounds[] {
  const today = Temporal.PlainDate.from(dateAt(now, timeZone));
  const startOf = (date: Temporal.PlainDate): number => millisOf(startOfDay(date.toString(), timeZone));
  return Array.from({ length: UPTIME_DAYS }, (_, index) => {
    const date = today.subtract({ days: UPTIME_DAYS - 1 - index });
    const until = Math.min(startOf(date.add({ days: 1 })), millisOf(now));
    return { date: date.toString(), from: startOf(date), until };
  });
}

/** @example dateAt('2026-11-20T23:30:00.000Z', 'Europe/Berlin') // '2026-11-21' */
export const dateAt = (at: Timestamp, timeZone: string): string =>
  Temporal.Instant.from(at).toZonedDateTimeISO(timeZone).toPlainDate().toString();

/** Returns the start of a day, such as `2026-11-20`, in a time zone. */
export const startOfDay = (date: string, timeZone: string): Timestamp =>
  timestamp(Temporal.PlainDate.from(date).toZonedDateTime(timeZone).epochMilliseconds);

type Span = { from: number; until: number; state: ComponentStatus };

/**
 * Computes the uptime of a component.
 *
 * @param incidents those that affect it
 * @param maintenances those that affect it; planned work is shown, and is no downtime
 * @param since when the time with data begins
 */
export function uptimeOf(
  incidents: readonly PublicIncident[],
  {
    days,
    since,
    now,
    maintenances,
  }: {
    days: readonly DayBounds[];
    since: Timestamp;
    now: Timestamp;
    maintenances: readonly { from: Timestamp; until: Timestamp }[];
  },
): Uptime {
  const spans = [
    ...incidents.flatMap((incident) => spansOf(incident, now)),
    ...maintenances.map(({ from, until }): Span => {
      const end = Math.min(millisOf(until), millisOf(now));
      return { from: millisOf(from), until: end, state: 'under_maintenance' };
    }),
  ];
  let downtime = 0;
  let measured = 0;
  const counted = days.map(({ date, from, until }): Day => {
    const start = Math.max(from, millisOf(since));
    if (millisOf(since) >= until) return { date, state: null, minutes: {} };
    const millis = millisByState(spans, start, until);
    measured += until - start;
    for (const [state, length] of millis) downtime += length * WEIGHTS[state];
    const minutes = Object.fromEntries([...millis].map(([state, length]) => [state, Math.ceil(length / 60_000)]));
    return { date, state: worst([...millis.keys()]), minutes };
  });
  return { days: counted, share: measured < DAY_MS ? null : 1 - downtime / measured };
}

/** Returns the times at which an incident affected its components. */
function spansOf({ states, resolved_at }: PublicIncident, now: Timestamp): Span[] {
  return states.flatMap(({ at, state }, index) => {
    const until = states[index + 1]?.at ?? resolved_at ?? now;
    return state === 'operational' || until <= at ? [] : [{ from: millisOf(at), until: millisOf(until), state }];
  });
}

/** Adds up the time in each state; where incidents overlap, the worst state counts. */
function millisByState(spans: readonly Span[], from: number, until: number): Map<ComponentStatus, number> {
  const within = spans.filter((span) => span.from < until && span.until > from);
  const cuts = [...new Set(within.flatMap((span) => [Math.max(span.from, from), Math.min(span.until, until)]))];
  const sorted = cuts.toSorted((a, b) => a - b);
  const sums = new Map<ComponentStatus, number>();
  for (const [index, start] of sorted.entries()) {
    const end = sorted[index + 1];
    const during = within.filter((span) => span.from <= start && start < span.until);
    if (end === undefined || during.length === 0) continue;
    const state = worst(during.map((span) => span.state));
    sums.set(state, (sums.get(state) ?? 0) + end - start);
  }
  return sums;
}

/** Returns the months (UTC) that may contain incidents of the last days, newest first: `2026-11`. */
export function recentMonths(now: Timestamp): string[] {
  const first = Temporal.Instant.fromEpochMilliseconds(millisOf(now) - (UPTIME_DAYS + 1) * DAY_MS);
  return monthsFrom(timestamp(first.epochMilliseconds).slice(0, 7), now);
}

/** Returns the months from one to the current one (UTC), newest first. */
export function monthsFrom(first: string, now: Timestamp): string[] {
  const from = Temporal.PlainYearMonth.from(first);
  const current = Temporal.PlainYearMonth.from(now.slice(0, 7));
  const count = from.until(current, { largestUnit: 'months' }).months + 1;
  return Array.from({ length: Math.max(count, 1) }, (_, index) => current.subtract({ months: index }).toString());
}
