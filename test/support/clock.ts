import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../platforms/sqlite/clock.ts';

/** A clock that stands still until it is advanced. */
export class SimulatedClock implements Clock {
  #now = Date.UTC(2026, 10, 23);
  readonly #timers = new Set<{ at: number; run: () => void }>();

  now = (): number => this.#now;

  after = (milliseconds: number, run: () => void): (() => void) => {
    const timer = { at: this.#now + milliseconds, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  /** Moves the time, and runs the timers that are due, each at its time. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }
}

/** Waits until something is true, in real time. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await setImmediate();
}
