import * as z from 'zod';
import type { SloWindow } from '../slo.ts';
import { TimeZone } from '../time-zone.ts';
import { WrittenTime } from '../written-time.ts';
import { DurationShorthand, secondsOf, type Shorthand } from './duration.ts';

/** Events are counted in buckets of so many seconds, and windows and slices consist of whole ones. */
export const BUCKET_SECONDS = 300;

const HOUR_SECONDS = 3600;
const MAX_DAYS = 366;
const MAX_SECONDS = MAX_DAYS * 24 * HOUR_SECONDS;

const UNITS = { d: 'day', w: 'week', M: 'month', Q: 'quarter', Y: 'year' } as const;

/** `2026-01-01 12:30:00`, by the clocks of the calendar's time zone. */
const StartTime = WrittenTime.transform(({ local, offset }, context): string => {
  if (offset === undefined) return local.toString({ smallestUnit: 'second' });
  context.addIssue({ code: 'custom', message: 'no offset stands here: "timeZone" says by which clocks it is' });
  return z.NEVER;
});

/** The time window of an SLO. One without `calendar` rolls. */
export const TimeWindow = z
  .strictObject({
    duration: DurationShorthand,
    isRolling: z.boolean().nullish(),
    calendar: z.strictObject({ startTime: StartTime, timeZone: TimeZone }).nullish(),
  })
  .transform(({ duration, isRolling, calendar }, context): SloWindow => {
    const problem = (path: string, message: string): SloWindow => {
      context.addIssue({ code: 'custom', path: [path], message });
      return z.NEVER;
    };
    if (calendar == null) {
      if (isRolling === false) return problem('isRolling', 'a window that does not roll needs a "calendar"');
      const wrong = rollingProblem(duration);
      return wrong === null ? { kind: 'rolling', seconds: secondsOf(duration) } : problem('duration', wrong);
    }
    if (isRolling === true) return problem('isRolling', 'a window with a "calendar" does not roll');
    const wrong = calendarProblem(duration);
    const unit = unitOf(duration);
    if (wrong !== null || unit === undefined) return problem('duration', wrong ?? '');
    return { kind: 'calendar', unit, count: duration.count, timeZone: calendar.timeZone, start: calendar.startTime };
  });

const unitOf = ({ unit }: Shorthand) => (unit === 'm' || unit === 'h' ? undefined : UNITS[unit]);

function rollingProblem(duration: Shorthand): string | null {
  const seconds = secondsOf(duration);
  if (seconds > MAX_SECONDS) return `${MAX_DAYS} days are the most`;
  if (seconds < HOUR_SECONDS) return 'an hour is the least (m is minutes, M is months)';
  return seconds % BUCKET_SECONDS === 0 ? null : 'it has to be whole five minutes: that is how events are counted';
}

function calendarProblem(duration: Shorthand): string | null {
  if (secondsOf(duration) > MAX_SECONDS) return `${MAX_DAYS} days are the most`;
  if (unitOf(duration) !== undefined) return null;
  return 'by the calendar there are d, w, M, Q and Y (m is minutes, M is months: 1M is one)';
}
