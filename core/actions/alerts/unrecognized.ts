import { type CounterName, increment } from '../../domain/incidents/metrics.ts';
import type { Counters } from '../../domain/ports/system.ts';

/** Longer values are cut: they are labels of metrics. */
const VALUE_MAX_CHARS = 160;

/** How many series one instance can create. Senders write the values. */
const SERIES_MAX = 500;

/** Counts what a sender sent and Firebreak did not recognize, for the metrics and `firebreak doctor`. */
export class Unrecognized {
  readonly #counters: Pick<Counters, 'add'>;
  readonly #series = new Set<string>();

  constructor(counters: Pick<Counters, 'add'>) {
    this.#counters = counters;
  }

  /** Counts values of one sender. */
  async count(name: CounterName, sender: string, values: readonly string[]): Promise<void> {
    if (values.length === 0) return;
    await this.#counters.add(values.map((value) => increment(name, sender, this.#valueIn(sender, value))));
  }

  /** Returns the value as a label, or `other` if it would create one series too many. */
  #valueIn(sender: string, value: string): string {
    const label = value.slice(0, VALUE_MAX_CHARS).toWellFormed();
    const key = JSON.stringify([sender, label]);
    if (this.#series.size >= SERIES_MAX && !this.#series.has(key)) return 'other';
    this.#series.add(key);
    return label;
  }
}
