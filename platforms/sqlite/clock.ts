/** Time in milliseconds since the Unix epoch, and timers. Tests use a simulated one. */
export type Clock = {
  now(): number;
  /** Runs something once, after these milliseconds, or after `LONGEST_MS` if they are more. Returns what cancels it. */
  after(milliseconds: number, run: () => void): () => void;
};

/** A timer that is set to a longer time runs at once, again and again if it sets itself. */
const LONGEST_MS = 2 ** 31 - 1;

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, Math.min(milliseconds, LONGEST_MS));
    return () => clearTimeout(timer);
  },
};
