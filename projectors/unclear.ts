import { plusSeconds, type Timestamp } from '../schemas/time.ts';

/**
 * An attempt without an answer may still be carried out: our record of it is at most a few seconds older than the call,
 * the call has ten, and the vendor may sit on what it has got for a minute. Then it has been done or never will be.
 */
const UNCLEAR_SECONDS = 75;

/** From then on a look at the vendor tells what became of an attempt that was recorded at `since`. */
export const sureFrom = (since: Timestamp): Timestamp => plusSeconds(since, UNCLEAR_SECONDS);

/** When something was last said without an answer, by what it was about. */
export type Unsure = Readonly<Record<string, Timestamp>>;

/**
 * What is set to a value can be set again, but an attempt without an answer may be carried out late and undo what was
 * set after it. So it is set once more when that cannot be any longer: from this time on; null: no need to.
 */
export const setAgainFrom = (unsure: Unsure, what: string): Timestamp | null =>
  unsure[what] === undefined ? null : sureFrom(unsure[what]);

/**
 * After an answer.
 * @param before what was unsure before the attempt that has been answered
 * @param at when that attempt began; null: it was not done
 */
export function answered(unsure: Unsure, before: Unsure, what: string, at: Timestamp | null): Record<string, Timestamp> {
  const { [what]: _this, ...others } = unsure;
  const earlier = before[what];
  const over = earlier === undefined || (at !== null && at >= sureFrom(earlier));
  return over ? others : { ...others, [what]: earlier };
}
