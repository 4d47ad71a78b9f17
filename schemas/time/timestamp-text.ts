import { Temporal } from 'temporal-polyfill';
import * as z from 'zod';
import { instantOf, localTime } from './time-zone.ts';
import type { Timestamp } from './time.ts';

/** A time as people write it: local time, or with an offset that makes it an instant. */
export type WrittenTime = {
  local: Temporal.PlainDateTime;
  /** The offset, which can also be used as a time zone: `UTC`, `+02:00`. Undefined: the text has none. */
  offset: string | undefined;
};

const TIMESTAMP_TEXT = /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)([Zz]|[+-]\d{2}:\d{2})?)?$/;

/** `2026-01-03`, `2026-01-03T02:00`, `2026-01-03 02:00:30`, `2026-01-03T02:00:00+01:00`. */
export const WrittenTime = z
  .string()
  .max(64)
  .transform((text, context): WrittenTime => {
    const [, day = '', time = '00:00', offset] = TIMESTAMP_TEXT.exec(text.trim()) ?? [];
    try {
      const local = Temporal.PlainDateTime.from(`${day}T${time}`, { overflow: 'reject' });
      return { local, offset: offset?.toUpperCase().replace('Z', 'UTC') };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      context.addIssue({
        code: 'custom',
        message: `${JSON.stringify(text)} is not a time; write one such as 2026-01-03T02:00`,
      });
      return z.NEVER;
    }
  });

/**
 * Returns the instant of a written time.
 *
 * @param timeZone used if the time has no offset
 * @param occurrence which instant to take if the local time occurs twice, at the end of daylight saving time
 */
export const writtenInstant = (
  { local, offset }: WrittenTime,
  timeZone: string,
  occurrence: 'first' | 'second',
): Timestamp => instantOf(local, offset ?? timeZone, occurrence);

/** Returns the local time in this time zone. */
export const writtenLocal = ({ local, offset }: WrittenTime, timeZone: string): Temporal.PlainDateTime =>
  offset === undefined ? local : localTime(instantOf(local, offset, 'first'), timeZone);

const DURATION_MAX_DAYS = 31;

const SHORT_DURATION = /^(?:(\d{1,6})\s*d\s*)?(?:(\d{1,6})\s*h\s*)?(?:(\d{1,6})\s*m(?:in)?\s*)?(?:(\d{1,6})\s*s)?$/i;

/**
 * Accepts `2h`, `90m`, `1h 30m`, `PT2H`; a day is 24 hours. Returns ISO 8601 with hours as the largest unit and seconds
 * as the smallest.
 */
export const WrittenDuration = z
  .string()
  .max(64)
  .transform((text, context): string => {
    const duration = durationOf(text.trim());
    const days = duration?.total('days') ?? 0;
    if (duration !== undefined && days > 0 && days <= DURATION_MAX_DAYS) return isoText(duration);
    const message = `${JSON.stringify(text)} is not a duration of at most ${DURATION_MAX_DAYS} days; write one such as 2h, 90m, or PT2H`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** As `toString()`, which creates a number format for each number. */
const isoText = ({ hours, minutes, seconds }: Temporal.Duration): string =>
  `PT${hours > 0 ? `${hours}H` : ''}${minutes > 0 ? `${minutes}M` : ''}${seconds > 0 ? `${seconds}S` : ''}`;

/** Returns undefined if it is not a duration or has no fixed length, such as months. */
function durationOf(text: string): Temporal.Duration | undefined {
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] = SHORT_DURATION.exec(text) ?? [];
  const short = { days: Number(days), hours: Number(hours), minutes: Number(minutes), seconds: Number(seconds) };
  try {
    const duration = Temporal.Duration.from(/^p/i.test(text) ? text : short);
    return duration.round({ largestUnit: 'hours', smallestUnit: 'seconds' });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
