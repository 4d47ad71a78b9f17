import { Temporal } from 'temporal-polyfill';
import * as z from 'zod';
import { type Timestamp, timestamp } from './time.ts';

/** A name of the IANA database such as `Europe/Berlin`, `UTC`, or an offset such as `+02:00`. */
export const TimeZone = z
  .string()
  .refine(isTimeZone, { error: ({ input }) => `unknown time zone ${JSON.stringify(input)}; one is Europe/Berlin` });

export function isTimeZone(name: string): boolean {
  try {
    // A bracketed suffix or a whole date-time would be taken for a time zone, too.
    return /^[A-Za-z0-9_+:/-]{1,64}$/.test(name) && !/^\d/.test(name) && Boolean(ANY_DAY.toZonedDateTime(name));
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const ANY_DAY = Temporal.PlainDate.from('2026-01-01');

/** What the clocks of a place show at this instant. */
export const localTime = (at: Timestamp, timeZone: string): Temporal.PlainDateTime =>
  Temporal.Instant.from(at).toZonedDateTimeISO(timeZone).toPlainDateTime();

/**
 * When the clocks of a place show this time. Of a time that they show twice, the first or the second; a time that they
 * skip is as long after the change as it says (02:30 is 03:30 then).
 */
export function instantOf(local: Temporal.PlainDateTime, timeZone: string, ofTwo: 'first' | 'second'): Timestamp {
  const zoned = local.toZonedDateTime(timeZone, { disambiguation: ofTwo === 'first' ? 'compatible' : 'later' });
  return timestamp(zoned.epochMilliseconds);
}
