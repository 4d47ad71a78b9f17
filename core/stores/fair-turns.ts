import { setImmediate } from 'node:timers/promises';
import type { Elapsed } from '../domain/concurrency.ts';

/** How long work may block the thread, in milliseconds. */
const TURN_MS = 5;

/** Maps items in order, and lets other work run in between. */
export type InTurns = <T, R>(items: Iterable<T>, work: (item: T) => R) => Promise<Awaited<R>[]>;

/**
 * Gives large requests turns of the thread, so that small ones and everything else are not held up. All requests of one
 * instance share a turn of the event loop; the callers take turns, and so do the requests of a caller.
 */
export class FairTurns {
  readonly #elapsed: Elapsed;
  readonly #nextTurn: () => Promise<unknown>;
  /** What starts the waiting requests of each caller; the caller whose turn is next first. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #isBusy = false;
  #since = 0;

  constructor(elapsed: Elapsed = () => performance.now(), nextTurn: () => Promise<unknown> = () => setImmediate()) {
    this.#elapsed = elapsed;
    this.#nextTurn = nextTurn;
  }

  /**
   * Maps items in order, in turns.
   *
   * @param items may be computed when they are taken, which is part of the turn
   * @throws the first error of `items` or `work`; later items are not taken
   */
  async map<T, R>(caller: string, items: Iterable<T>, work: (item: T) => R): Promise<Awaited<R>[]> {
    const left = items[Symbol.iterator]();
    const done: Awaited<R>[] = [];
    for (let isOver = false; !isOver;) {
      await this.#begin(caller);
      try {
        do {
          const next = left.next();
          isOver = next.done === true;
          if (next.done !== true) done.push(await work(next.value));
        } while (!isOver && !this.#isTurnOver());
      } finally {
        this.#end(caller);
      }
    }
    return done;
  }

  #isTurnOver = (): boolean => this.#elapsed() - this.#since >= TURN_MS;

  /** Waits for the caller's turn. */
  async #begin(caller: string): Promise<void> {
    if (this.#isBusy) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.set(caller, [...(this.#waiting.get(caller) ?? []), resolve]);
      return promise;
    }
    this.#isBusy = true;
    this.#since = this.#elapsed();
    return undefined;
  }

  /** Starts the next request in the same turn if there is time left. */
  #end(caller: string): void {
    const own = this.#waiting.get(caller);
    this.#waiting.delete(caller);
    if (own !== undefined) this.#waiting.set(caller, own); // behind the callers that came in the meantime
    if (!this.#isTurnOver() && this.#startNext()) return;
    void this.#nextTurn().then(() => {
      this.#since = this.#elapsed();
      this.#isBusy = this.#startNext();
    });
  }

  /** Returns false if nobody waits. */
  #startNext(): boolean {
    for (const [caller, [start, ...others]] of this.#waiting) {
      if (others.length > 0) this.#waiting.set(caller, others);
      else this.#waiting.delete(caller);
      start?.();
      return true;
    }
    return false;
  }
}

/** Maps items in order, for one caller. */
export const inTurns: InTurns = (items, work) => new FairTurns().map('', items, work);
