import * as z from 'zod';
import type { SloWindow } from '../../../../schemas/slo/slo.ts';
import { TimeZone } from '../../../../schemas/time/time-zone.ts';
import { WrittenTime } from '../../../../schemas/time/timestamp-text.ts';
import { DurationShorthand, secondsOf, type Shorthand } from './duration.ts';

/** Size of the buckets in which events are counted, in seconds. Windows and slices consist of whole buckets. */
export const BUCKET_SECONDS = 300;

const HOUR_SECONDS = 3600;
const MAX_DAYS = 366;
const MAX_SECONDS = MAX_DAYS * 24 * HOUR_SECONDS;

const UNITS = { d: 'day', w: 'week', M: 'month', Q: 'quarter', Y: 'year' } as const;

/** `2026-01-01 12:30:00`, in the calendar's time zone. */
const StartTime = WrittenTime.transform(({ local, offset }, context): string => {
  if (offset === undefined) return local.toString({ smallestUnit: 'second' });
  context.addIssue({ code: 'custom', message: 'must not have an offset; "timeZone" sets the time zone' });
  return z.NEVER;
});

/** The time window of an SLO. Without `calendar`, it is rolling. */
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
      if (isRolling === false) return problem('isRolling', 'a window with isRolling: false requires "calendar"');
      const wrong = rollingProblem(duration);
      return wrong === null ? { kind: 'rolling', seconds: secondsOf(duration) } : problem('duration', wrong);
    }
    if (isRolling === true) return problem('isRolling', 'a window with "calendar" requires isRolling: false');
    const wrong = calendarProblem(duration);
    const unit = unitOf(duration);
    if (wrong !== null || unit === undefined) return problem('duration', wrong ?? '');
    return { kind: 'calendar', unit, count: duration.count, timeZone: calendar.timeZone, start: calendar.startTime };
  });

const unitOf = ({ unit }: Shorthand) => (unit === 'm' || unit === 'h' ? undefined : UNITS[unit]);

function rollingProblem(duration: Shorthand): string | null {
  const seconds = secondsOf(duration);
  if (seconds > MAX_SECONDS) return `must be at most ${MAX_DAYS} days`;
  if (seconds < HOUR_SECONDS) return 'must be at least one hour (m means minutes, M means months)';
  return seconds % BUCKET_SECONDS === 0 ? null : 'must be a multiple of five minutes, in which events are counted';
}

function calendarProblem(duration: Shorthand): string | null {
  if (secondsOf(duration) > MAX_SECONDS) return `must be at most ${MAX_DAYS} days`;
  if (unitOf(duration) !== undefined) return null;
  return 'a calendar window uses d, w, M, Q, or Y, such as 1M (m means minutes, M means months)';
}
