import { Temporal } from 'temporal-polyfill';
import * as z from 'zod';
import { type Timestamp, timestamp } from './time.ts';

/** An IANA name such as `Europe/Berlin`, `UTC`, or an offset such as `+02:00`. */
export const TimeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, {
    error: ({ input }) => `unknown time zone ${JSON.stringify(input)}; use one such as Europe/Berlin`,
  });

export function isTimeZone(name: string): boolean {
  try {
    // Excludes bracketed suffixes and full date-times, which Temporal also accepts as time zones.
    return /^[A-Za-z0-9_+:/-]{1,64}$/.test(name) && !/^\d/.test(name) && Boolean(ANY_DAY.toZonedDateTime(name));
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const ANY_DAY = Temporal.PlainDate.from('2026-01-01');

/** Returns the local time at this instant. */
export const localTime = (at: Timestamp, timeZone: string): Temporal.PlainDateTime =>
  Temporal.Instant.from(at).toZonedDateTimeISO(timeZone).toPlainDateTime();

/**
 * Returns the instant of a local time: for a time that occurs twice, the first or the second; a skipped time moves
 * forward by the length of the gap (02:30 becomes 03:30).
 */
export function instantOf(local: Temporal.PlainDateTime, timeZone: string, occurrence: 'first' | 'second'): Timestamp {
  const zoned = local.toZonedDateTime(timeZone, { disambiguation: occurrence === 'first' ? 'compatible' : 'later' });
  return timestamp(zoned.epochMilliseconds);
}
