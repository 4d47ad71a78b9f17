import { setImmediate } from 'node:timers/promises';

/** Does all, at most so many at once, in order. What is thrown ends it, after what had begun. */
export async function pooled<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}

/** The same ones from another one on: whoever comes too late in one round comes first in another. */
export const rotated = <T>(all: readonly T[], by: number): T[] => {
  const from = all.length === 0 ? 0 : by % all.length;
  return [...all.slice(from), ...all.slice(0, from)];
};

/** Milliseconds that only go on, whatever becomes of the clock. */
export type Elapsed = () => number;

/** Counts down from its beginning. Real time: it is about how long this process may go on. */
export class Deadline {
  readonly #elapsed: Elapsed;
  readonly #endsAt: number;

  constructor(elapsed: Elapsed, milliseconds: number) {
    this.#elapsed = elapsed;
    this.#endsAt = elapsed() + milliseconds;
  }

  /** Milliseconds; 0 when it is over. */
  get left(): number {
    return Math.max(0, Math.floor(this.#endsAt - this.#elapsed()));
  }
}

/** So long one may have the thread before others have their turn: checks are answered beside an evaluation. */
const TURN_MS = 8;

/** Works each of them out, and lets others have their turn in between. In order. */
export async function inTurns<T, R>(items: readonly T[], work: (item: T) => R): Promise<R[]> {
  const done: R[] = [];
  let since = performance.now();
  for (const item of items) {
    done.push(work(item));
    if (performance.now() - since < TURN_MS) continue;
    await setImmediate();
    since = performance.now();
  }
  return done;
}
