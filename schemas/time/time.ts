import * as z from 'zod';

/** RFC 3339, UTC, milliseconds: `2026-11-20T06:43:40.145Z`. Sorts as text. */
export const Timestamp = z.string().brand<'Timestamp'>();
export type Timestamp = z.infer<typeof Timestamp>;

const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

const INSTANT_MAX_CHARS = 64;

/** Accepts an RFC 3339 time with any offset; returns a `Timestamp`. Digits below the millisecond are truncated. */
export const InstantIn = z
  .string()
  .max(INSTANT_MAX_CHARS)
  .transform((text, context): Timestamp => {
    const normal = normalizedTimestamp(text);
    if (normal !== undefined) return normal;
    context.addIssue({ code: 'custom', message: `not an RFC 3339 time with an offset: ${text.slice(0, 64)}` });
    return z.NEVER;
  });

/** Seconds, milliseconds, microseconds, and nanoseconds since the epoch, each below this number, and how many a millisecond has. */
const EPOCH_UNITS: readonly (readonly [below: number, perMilli: number])[] = [
  [1e11, 1e-3],
  [1e14, 1],
  [1e17, 1e3],
  [1e20, 1e6],
];
const EPOCH = /^\d{9,19}(?:\.\d{1,9})?$/;

/**
 * Accepts what `InstantIn` accepts, and times as programs write them: since the Unix epoch, as a number or a text, in seconds or a
 * smaller unit; `2026-11-20 06:43:40 UTC`, and `2026-11-20T06:43:40+0100`. Their offset is required, too.
 */
export const WrittenInstant = z.preprocess(
  (value: string | number): unknown =>
    typeof value === 'string' || typeof value === 'number' ? rfc3339(value) : value,
  InstantIn,
);

function rfc3339(written: string | number): string {
  const text = String(written).trim();
  if (!EPOCH.test(text)) return text.replace(/ (?:UTC|GMT)$/, 'Z').replace(/ ?([+-]\d{2}):?(\d{2})$/, '$1:$2');
  const [, perMilli = 1] = EPOCH_UNITS.find(([below]) => Number(text) < below) ?? [];
  const millis = Math.trunc(Number(text) / perMilli);
  return millis <= LATEST ? timestamp(millis) : text;
}

/** By how much the clock of a sender can differ. */
export const CLOCK_SKEW_MAX_SECONDS = 300;

/** An earlier time in a request is an input error. */
export const EARLIEST_REPORTED = '2000-01-01T00:00:00.000Z' as Timestamp;
export const TOO_EARLY = `must not be before ${EARLIEST_REPORTED}`;

/** The day of the zero time of Go and .NET, `0001-01-01T00:00:00` with any offset, is over. */
const AFTER_ZERO_TIME = '0001-01-02T12';

/** Reads a time that is not set, as programs in Go and .NET send it, as `null`: `0001-01-01T00:00:00Z`. */
export const setOrNull = (at: Timestamp): Timestamp | null => (at < AFTER_ZERO_TIME ? null : at);

/** What `InstantIn` and `WrittenInstant` accept. One that is not set is `null`, as of `setOrNull`. */
export const InstantOrNull = InstantIn.transform(setOrNull);
export const WrittenOrNull = WrittenInstant.transform(setOrNull);

/** As `InstantOrNull`. Refuses a time that no sender can mean. */
export const ReportedOrNull = InstantOrNull.refine((at) => at === null || at >= EARLIEST_REPORTED, TOO_EARLY);

/** Reads a commit time that no commit has as `null`: build tools write commits of 1970 and 1980. */
export const commitTimeOrNull = (at: Timestamp): Timestamp | null => (at < EARLIEST_REPORTED ? null : at);
export const CommitTime = InstantIn.transform(commitTimeOrNull);

/** Returns what `InstantIn` returns. Undefined: it does not accept the text. */
export const instantIn = (text: string): Timestamp | undefined =>
  text.length <= INSTANT_MAX_CHARS ? normalizedTimestamp(text) : undefined;

/** An offset can move a time beyond the years of RFC 3339, where texts no longer sort. */
const EARLIEST = Date.parse('0000-01-01T00:00:00.000Z');
const LATEST = Date.parse('9999-12-31T23:59:59.999Z');

/** What `timestamp` returns, if it is a time: senders often use this form, and it needs no conversion. */
const NORMAL = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

function normalizedTimestamp(text: string): Timestamp | undefined {
  const isNormal = NORMAL.test(text);
  if (!isNormal && !RFC_3339.test(text)) return undefined;
  // `Date.parse` refuses days above 31.
  if ((text.slice(8, 10) > '28' && !isDay(text.slice(0, 10))) || text.slice(11, 13) === '24') return undefined;
  const at = Date.parse(isNormal ? text : text.replace(/(\.\d{3})\d+/, '$1').replace(' ', 'T'));
  if (!(at >= EARLIEST && at <= LATEST)) return undefined;
  return isNormal ? (text as Timestamp) : timestamp(at);
}

/** Returns whether the calendar has the day. `Date.parse` reads February 30 as March 2. */
function isDay(date: string): boolean {
  const at = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(date);
}

/** Returns whether a text has the form of a `Timestamp`, and is a time. */
export const isTimestamp = (text: string): boolean => normalizedTimestamp(text) === text;

/** @param millis since the Unix epoch, within the years 0 to 9999 */
export const timestamp = (millis: number): Timestamp => new Date(millis).toISOString() as Timestamp;

/** Returns milliseconds since the Unix epoch. */
export const millisOf = (at: Timestamp): number => Date.parse(at);

/** Returns `at` plus `seconds`; negative values go back. */
export const plusSeconds = (at: Timestamp, seconds: number): Timestamp => timestamp(millisOf(at) + seconds * 1000);

/** Returns the seconds from `from` to `to`; negative if `to` is earlier. */
export const secondsBetween = (from: Timestamp, to: Timestamp): number => (millisOf(to) - millisOf(from)) / 1000;

/** Formats a time without its day, in minutes: `14:03 UTC`. */
export const clockText = (at: string): string => `${at.slice(11, 16)} UTC`;

/** Formats a time in minutes, for readers whose time zones are unknown: `2026-11-20 14:03 UTC`. */
export const minuteText = (at: string): string => `${at.slice(0, 10)} ${clockText(at)}`;
