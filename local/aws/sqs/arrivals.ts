/** Wakes the long polls of a queue when it may have something to give; see `arrivals`. */
export type Arrivals = {
  /** How often `announce` was called for this queue. Read it before looking into the queue. */
  count(queueId: number): number;
  /** Something of this queue was sent, freed, or changed. */
  announce(queueId: number): void;
  /** Resolves at the first of: an announcement later than `seen`, `ms` milliseconds, `signal` aborted. */
  next(queueId: number, seen: number, ms: number, signal: AbortSignal): Promise<void>;
};

/**
 * A poll reads the count, looks into the queue, and waits for a higher count. What is announced between the look and
 * the wait is therefore never missed.
 */
export function arrivals(): Arrivals {
  const counts = new Map<number, number>();
  const sleepers = new Map<number, Set<() => void>>();
  const count = (queueId: number): number => counts.get(queueId) ?? 0;

  return {
    count,
    announce: (queueId) => {
      counts.set(queueId, count(queueId) + 1);
      for (const wake of sleepers.get(queueId) ?? []) wake();
    },
    next: (queueId, seen, ms, signal) =>
      new Promise((resolve) => {
        if (count(queueId) !== seen || signal.aborted) return resolve();
        const here = sleepers.get(queueId) ?? new Set();
        sleepers.set(queueId, here);
        const wake = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          here.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, ms);
        signal.addEventListener('abort', wake);
        here.add(wake);
      }),
  };
}
