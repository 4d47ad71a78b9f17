/**
 * Time in milliseconds since the Unix epoch, and timers. Waits, pauses, and visibility times are measured with it, so it only goes
 * forward within a process (`forwardClock`). Tests use a simulated one.
 */
export type Clock = {
  now(): number;
  /** Runs something once, after these milliseconds, or after `LONGEST_MS` if they are more. Returns what cancels it. */
  after(milliseconds: number, run: () => void): () => void;
};

/** A timer that is set to a longer time runs at once, again and again if it sets itself. */
const LONGEST_MS = 2 ** 31 - 1;

/** Milliseconds of a clock that nobody can set. All threads of a process have the same one. */
const elapsed = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;

/** Returns the time of the machine at which `elapsed` was 0, for `forwardClock`. */
export const clockStart = (): number => Date.now() - elapsed();

/**
 * Returns a clock that begins with the time of the machine and does not follow when that is set: neither does a wait take longer
 * when it is set back, nor does it end early when it is set forward.
 *
 * @param start from `clockStart`, the same for all threads of a process that use the same file
 */
export const forwardClock = (start: number): Clock => ({
  now: () => Math.floor(start + elapsed()),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, Math.min(milliseconds, LONGEST_MS));
    return () => clearTimeout(timer);
  },
});
