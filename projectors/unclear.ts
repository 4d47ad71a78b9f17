import { plusSeconds, type Timestamp } from '../schemas/time.ts';

/**
 * An attempt without an answer may still be carried out: our record of it is at most a few seconds older than the call,
 * the call has ten, and the vendor may sit on what it has got for a minute. Then it has been done or never will be.
 */
const UNCLEAR_SECONDS = 75;

/** From then on a look at the vendor tells what became of an attempt that was recorded at `since`. */
export const sureFrom = (since: Timestamp): Timestamp => plusSeconds(since, UNCLEAR_SECONDS);
