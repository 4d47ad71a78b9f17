import type { Clock } from '../../../core/domain/ports/system.ts';
import { millisOf, timestamp, type Timestamp } from '../../../schemas/time/time.ts';

/** Clock that jumps to the next event when nothing else can run. */
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

  /** Schedules a callback, with a delay in milliseconds. */
  in(milliseconds: number, run: () => void): void {
    this.#order += 1;
    this.#events.push({ at: this.#now + Math.max(0, milliseconds), order: this.#order, run });
  }

  pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.in(milliseconds, resolve);
    });
  }

  /** Runs the scheduled callbacks in order until `over`. @throws if that takes longer than `hours` */
  async run(over: () => Promise<boolean>, hours: number): Promise<void> {
    const end = this.#now + hours * 3_600_000;
    for (;;) {
      await calm();
      if (await over()) return;
      const next = this.#events.reduce((a, b) => (b.at < a.at || (b.at === a.at && b.order < a.order) ? b : a));
      if (next.at > end) throw new Error(`it is not over after ${hours} hours`);
      this.#events = this.#events.filter((event) => event !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
  }
}

/** Waits until all work that needs no time has run. */
const calm = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
