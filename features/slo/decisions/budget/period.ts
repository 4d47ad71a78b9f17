import { Temporal } from 'temporal-polyfill';
import type { SloWindow } from '../../../../schemas/slo/slo.ts';
import { millisOf, timestamp } from '../../../../schemas/time/time.ts';
import { instantOf, localTime } from '../../../../schemas/time/time-zone.ts';

/** Time span in milliseconds since the Unix epoch; `until` is exclusive. */
export type Span = { from: number; until: number };

const MONTHS = { month: 1, quarter: 3, year: 12 } as const;
const DAYS = { day: 1, week: 7 } as const;

/**
 * Returns the time span of a budget: the rolling window up to now, or the whole calendar period that contains `now`.
 */
export const spanOf = (window: SloWindow, now: number): Span =>
  window.kind === 'rolling' ? { from: now - window.seconds * 1000, until: now } : periodOf(window, now);

/**
 * Returns the calendar period that contains `now`. Periods start by local time, so a day has 23 or 25 hours when clocks
 * change. They are counted from `start`, so periods from the 31st start on the last day of shorter months.
 */
function periodOf(window: SloWindow & { kind: 'calendar' }, now: number): Span {
  const start = Temporal.PlainDateTime.from(window.start);
  const startOf = (number: number): number =>
    millisOf(instantOf(start.add(lengthOf(window, number)), window.timeZone, 'first'));
  let number = estimatedNumber(window, start, localTime(timestamp(now), window.timeZone));
  while (startOf(number) > now) number--;
  while (startOf(number + 1) <= now) number++;
  return { from: startOf(number), until: startOf(number + 1) };
}

/** Returns the length of a number of periods. */
function lengthOf({ unit, count }: SloWindow & { kind: 'calendar' }, number: number): Temporal.DurationLike {
  return unit === 'day' || unit === 'week'
    ? { days: DAYS[unit] * count * number }
    : { months: MONTHS[unit] * count * number };
}

/** Estimates the number of periods since `start`, accurate to one. */
function estimatedNumber(
  { unit, count }: SloWindow & { kind: 'calendar' },
  start: Temporal.PlainDateTime,
  local: Temporal.PlainDateTime,
): number {
  if (unit === 'day' || unit === 'week') {
    return Math.floor(start.until(local, { largestUnit: 'day' }).days / (DAYS[unit] * count));
  }
  return Math.floor(((local.year - start.year) * 12 + local.month - start.month) / (MONTHS[unit] * count));
}

/** Returns the maximum length of a window in seconds. */
export function longestSeconds(window: SloWindow): number {
  if (window.kind === 'rolling') return window.seconds;
  return LONGEST_DAYS[window.unit] * window.count * 86_400 + 3600; // one more hour when clocks are set back
}

const LONGEST_DAYS = { day: 1, week: 7, month: 31, quarter: 92, year: 366 } as const;
