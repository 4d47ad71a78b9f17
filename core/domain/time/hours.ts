import { type Hours, WEEKDAYS } from '../../../schemas/time/hours.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { localTime } from '../../../schemas/time/time-zone.ts';

/** Returns whether the time is within any of these hours; always true without hours. */
export const isWithinHours = (hours: readonly Hours[], at: Timestamp): boolean =>
  hours.length === 0 || hours.some((period) => isWithinPeriod(period, at));

/** Compares local clock time, so an hour skipped by a clock change is not missed, and a repeated hour counts twice. */
function isWithinPeriod({ days, from, to, timeZone }: Hours, at: Timestamp): boolean {
  const local = localTime(at, timeZone);
  const time = local.toPlainTime().toString({ smallestUnit: 'minute' });
  const today = WEEKDAYS[local.dayOfWeek - 1];
  const yesterday = WEEKDAYS[(local.dayOfWeek + 5) % 7];
  const hasDay = (day: typeof today): boolean => day !== undefined && days.includes(day);
  if (from < to) return hasDay(today) && from <= time && time < to;
  return (hasDay(today) && from <= time) || (hasDay(yesterday) && time < to);
}
