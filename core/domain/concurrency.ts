/**
 * Processes items in order, at most `atOnce` in parallel. An error ends one worker, and the others continue: one bad item
 * does not hold back the rest, and an outage is not tried for every item.
 * @throws the first error
 */
export async function pooled<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}

/** Returns a function that runs work one after another, whatever the number of callers: heavy work keeps its share of the thread. */
export function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };
}

/** Returns a function that loads something with its first call. Concurrent calls share the load; one that fails is not remembered. */
export function loadedOnce<T>(load: () => T | Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  const forget = (error: unknown): never => {
    loading = undefined;
    throw error;
  };
  return () => (loading ??= Promise.try(load).catch(forget));
}

/**
 * Waits for work until the signal is aborted. The work itself goes on.
 * @throws the reason of the signal
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason as Error);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  // The signal can live longer than the work, and would hold its result.
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', stop));
}

/** Rotates a list, so that the items that a round does not reach come first in a later one. */
export const rotated = <T>(all: readonly T[], by: number): T[] => {
  const from = all.length === 0 ? 0 : by % all.length;
  return [...all.slice(from), ...all.slice(0, from)];
};

/** Returns monotonic milliseconds, independent of the system clock. */
export type Elapsed = () => number;

/** A countdown in real time, because it limits the run time of this process. */
export class Deadline {
  readonly #elapsed: Elapsed;
  readonly #endsAt: number;

  constructor(elapsed: Elapsed, milliseconds: number) {
    this.#elapsed = elapsed;
    this.#endsAt = elapsed() + milliseconds;
  }

  /** The remaining milliseconds, at least 0. */
  get left(): number {
    return Math.max(0, Math.floor(this.#endsAt - this.#elapsed()));
  }
}
