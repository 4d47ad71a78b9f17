/** Wakes the long polls of a queue when messages may be available; see `arrivals`. */
export type Arrivals = {
  /** Returns the number of `announce` calls for this queue. Call it before reading the queue. */
  count(queueId: number): number;
  /** Announces that a message of this queue was sent, released, or changed. */
  announce(queueId: number): void;
  /** Resolves at the first of: an announcement later than `seen`, `ms` milliseconds, `signal` aborted. */
  next(queueId: number, seen: number, ms: number, signal: AbortSignal): Promise<void>;
};

/**
 * Creates the wake-up counters. A poll reads the count, then the queue, and then waits for a higher count, so it can't
 * miss an announcement between the read and the wait.
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
        const queueSleepers = sleepers.get(queueId) ?? new Set();
        sleepers.set(queueId, queueSleepers);
        const wake = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          queueSleepers.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, ms);
        signal.addEventListener('abort', wake);
        queueSleepers.add(wake);
      }),
  };
}
