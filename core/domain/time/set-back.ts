/** How far the clocks of different processes can be apart, in seconds. */
export const CLOCKS_APART_SECONDS = 60;

/**
 * Returns whether the clock was set back since a time was stored: then a pause that was counted from it is over, or it would also
 * last as long as the clock was set back.
 *
 * @param storedAt when the pause was stored, in milliseconds since the Unix epoch
 */
export const wasSetBack = (storedAt: number, now: number): boolean => storedAt > now + CLOCKS_APART_SECONDS * 1000;
