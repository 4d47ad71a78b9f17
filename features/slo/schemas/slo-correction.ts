import type { Temporal } from 'temporal-polyfill';
import * as z from 'zod';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { overlapProblem, recurrenceDoubt, recurrenceProblem } from '../../../schemas/time/recurrence.ts';
import { InstantIn, secondsBetween, Timestamp } from '../../../schemas/time/time.ts';
import { localTime, TimeZone } from '../../../schemas/time/time-zone.ts';
import { CorrectionCategory } from '../../../schemas/slo/slo-status.ts';
import { SloId } from '../../../schemas/slo/slo.ts';
import { requiredText } from '../../../schemas/parsing/free-text.ts';

/** The longest period, and the longest occurrence of a recurring one. */
const LONGEST_DAYS = 31;

/** The reason of a person, for the record. */
export const CorrectionReason = requiredText(500);

/** The body of `POST /v1/slos/{id}/corrections`. */
export const NewCorrection = z
  .strictObject({
    category: CorrectionCategory,
    reason: CorrectionReason,
    /** With `rrule`, the earliest start of an occurrence. */
    starts_at: InstantIn,
    /** With `rrule`, an occurrence lasts as long as from `starts_at` to here. */
    ends_at: InstantIn,
    /** RFC 5545, e.g. `FREQ=WEEKLY;BYDAY=SA`. */
    rrule: z.string().min(1).max(500).nullish(),
    /** Of the recurrence; UTC by default. */
    time_zone: TimeZone.nullish(),
  })
  .transform(({ rrule, time_zone: timeZone, ...rest }, context) => {
    const rule = rrule == null ? null : normalRule(rrule);
    const zone = timeZone ?? 'UTC';
    const problem = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const seconds = secondsBetween(rest.starts_at, rest.ends_at);
    if (seconds <= 0) problem('ends_at', `the end (${rest.ends_at}) is not after the start (${rest.starts_at})`);
    if (seconds > LONGEST_DAYS * 86_400)
      problem('ends_at', `a correction covers at most ${LONGEST_DAYS} days; record several`);
    if (rule === null && timeZone != null) problem('time_zone', 'only a recurring correction has a time zone');
    if (rule !== null) {
      const start = localStart(rest.starts_at, zone);
      const wrong = ruleProblem(rule, start, zone) ?? overlapProblem(rule, { start, timeZone: zone, seconds });
      if (wrong !== undefined) problem('rrule', wrong);
    }
    return { ...rest, rrule: rule, time_zone: rule === null ? null : zone };
  });
export type NewCorrection = z.infer<typeof NewCorrection>;

/** A period that does not count for an objective. */
export const SloCorrection = z.object({
  id: z.string(),
  slo: SloId,
  service: ServiceName,
  environment: EnvironmentName,
  category: CorrectionCategory,
  reason: z.string(),
  starts_at: Timestamp,
  ends_at: Timestamp,
  rrule: z.string().nullable(),
  time_zone: z.string().nullable(),
  created_at: Timestamp,
  created_by: z.string(),
  /** Null: not withdrawn. Withdrawn: none of its periods is left out. */
  withdrawn_at: Timestamp.nullable(),
  withdrawn_by: z.string().nullable(),
  withdraw_reason: z.string().nullable().default(null),
  /** Null: not ended by a person. Ended: its periods before this time are left out, and none after it. */
  ended_at: Timestamp.nullable().default(null),
  ended_by: z.string().nullable().default(null),
  end_reason: z.string().nullable().default(null),
});
export type SloCorrection = z.infer<typeof SloCorrection>;

const normalRule = (text: string): string =>
  text
    .trim()
    .toUpperCase()
    .replace(/^RRULE:/, '')
    .replace(/;$/, '');

/** Returns the local time at which a recurrence starts, in whole seconds. */
export const localStart = (at: Timestamp, timeZone: string): Temporal.PlainDateTime =>
  localTime(at, timeZone).round({ smallestUnit: 'second', roundingMode: 'floor' });

/**
 * Finds a problem of a rule. Several times a day are refused, because a rule is expanded over a whole window: up to a
 * year and a day.
 */
function ruleProblem(rule: string, start: Temporal.PlainDateTime, timeZone: string): string | undefined {
  if (/(^|;)BY(HOUR|MINUTE)=[^;]*,/.test(rule))
    return 'a rule has at most one time a day; record a correction for each time';
  return recurrenceProblem(rule, start, timeZone) ?? recurrenceDoubt(rule);
}
