import { plusSeconds, type Timestamp } from '../schemas/time.ts';

/**
 * An attempt without an answer may still be carried out: our record of it is at most a few seconds older than the call,
 * the call has ten, and the vendor may sit on what it has got for a minute. Then it has been done or never will be.
 */
const UNCLEAR_SECONDS = 75;

/** From then on a look at the vendor tells what became of an attempt that was recorded at `since`. */
export const sureFrom = (since: Timestamp): Timestamp => plusSeconds(since, UNCLEAR_SECONDS);

/**
 * What is set to a value can be set again, but an attempt without an answer may be carried out late and undo what was
 * set after it. So it is set once more when that cannot be any longer: from this time on; null: no need to.
 *
 * @param unsure since when there may be such an attempt
 */
export const setAgainFrom = (unsure: Timestamp | null | undefined): Timestamp | null =>
  unsure === null || unsure === undefined ? null : sureFrom(unsure);

/**
 * What is left of that after an answer.
 *
 * @param before how it was before the attempt that has been answered
 * @param at when that attempt began; null: it was not done
 */
export const answered = (before: Timestamp | null | undefined, at: Timestamp | null): Timestamp | null =>
  before === null || before === undefined || (at !== null && at >= sureFrom(before)) ? null : before;
