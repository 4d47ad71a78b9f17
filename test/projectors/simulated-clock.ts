import type { Clock } from '../../domain/ports.ts';
import { millisOf, timestamp, type Timestamp } from '../../schemas/time.ts';

/** Time that passes only when nothing can be done at the moment: then it is at once the time of what comes next. */
export class SimulatedClock implements Clock {
  #now: number;
  #events: { at: number; order: number; run: () => void }[] = [];
  #order = 0;

  constructor(start: Timestamp) {
    this.#now = millisOf(start);
  }

  now(): Timestamp {
    return timestamp(this.#now);
  }

  get millis(): number {
    return this.#now;
  }

  /** Has something happen in so many milliseconds. */
  in(milliseconds: number, run: () => void): void {
    this.#order += 1;
    this.#events.push({ at: this.#now + Math.max(0, milliseconds), order: this.#order, run });
  }

  pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.in(milliseconds, resolve);
    });
  }

  /** Lets things happen, one after the other, until `over`. @throws when that takes longer than `hours` */
  async run(over: () => boolean, hours: number): Promise<void> {
    const end = this.#now + hours * 3_600_000;
    for (;;) {
      await calm();
      if (over()) return;
      const next = this.#events.reduce((a, b) => (b.at < a.at || (b.at === a.at && b.order < a.order) ? b : a));
      if (next.at > end) throw new Error(`it is not over after ${hours} hours`);
      this.#events = this.#events.filter((event) => event !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
  }
}

/** Everything that can go on without time passing has done so. */
const calm = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
