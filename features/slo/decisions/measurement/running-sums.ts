import { BUCKET_MS, type History, type Sum } from '../history.ts';

/** Sums over a history that does not change any more, each in constant time. */
export class RunningSums {
  readonly #history: History;
  readonly #events: Float64Array;
  readonly #errors: Float64Array;
  readonly #known: Float64Array;

  constructor(history: History) {
    const { length } = history.events;
    this.#history = history;
    this.#events = new Float64Array(length + 1);
    this.#errors = new Float64Array(length + 1);
    this.#known = new Float64Array(length + 1);
    for (let n = 0; n < length; n++) {
      const slot = (history.oldest + n) % length;
      const events = history.events[slot] ?? NaN;
      const isKnown = !Number.isNaN(events);
      this.#events[n + 1] = (this.#events[n] ?? 0) + (isKnown ? events : 0);
      this.#errors[n + 1] = (this.#errors[n] ?? 0) + (isKnown ? (history.errors[slot] ?? 0) : 0);
      this.#known[n + 1] = (this.#known[n] ?? 0) + (isKnown ? BUCKET_MS : 0);
    }
  }

  /**
   * @param from milliseconds, inclusive
   * @param to milliseconds, exclusive
   */
  between(from: number, to: number): Sum {
    const [start, end] = [this.#position(from), this.#position(to)];
    return {
      events: sumUpTo(this.#events, end) - sumUpTo(this.#events, start),
      errors: sumUpTo(this.#errors, end) - sumUpTo(this.#errors, start),
      ms: to - from,
      knownMs: sumUpTo(this.#known, end) - sumUpTo(this.#known, start),
    };
  }

  /** Returns a moment in buckets since the oldest one. */
  #position(moment: number): number {
    const { oldest, events } = this.#history;
    return Math.min(Math.max(moment / BUCKET_MS - oldest, 0), events.length);
  }
}

/** Returns the sum up to a position. A part of a bucket counts in proportion. */
function sumUpTo(sums: Float64Array, position: number): number {
  const whole = Math.floor(position);
  const sum = sums[whole] ?? 0;
  return whole === position ? sum : sum + (position - whole) * ((sums[whole + 1] ?? sum) - sum);
}
