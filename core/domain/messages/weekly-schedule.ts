import { Temporal } from 'temporal-polyfill';
import { WEEKDAYS } from '../../../schemas/time/hours.ts';
import type { WeeklyShadowReport } from '../../../schemas/people/weekly-report.ts';
import { instantOf, localTime } from '../../../schemas/time/time-zone.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

type Schedule = Pick<WeeklyShadowReport, 'day' | 'at' | 'timeZone'>;

/** Returns the newest time at which a weekly message was due: the last `day` at `at` that is not after `now`. */
export function lastDue({ day, at, timeZone }: Schedule, now: Timestamp) {
  const today = localTime(now, timeZone).toPlainDate();
  const daysBack = (today.dayOfWeek - 1 - WEEKDAYS.indexOf(day) + 7) % 7;
  const dueAt = (date: Temporal.PlainDate): Timestamp =>
    instantOf(date.toPlainDateTime(Temporal.PlainTime.from(at)), timeZone, 'first');
  const date = today.subtract({ days: daysBack });
  const due = dueAt(date);
  return due <= now ? due : dueAt(date.subtract({ days: 7 }));
}
