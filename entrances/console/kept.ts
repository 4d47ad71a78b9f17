import type { Clock } from '../../core/domain/ports/system.ts';
import { millisOf } from '../../schemas/time/time.ts';

/** Results that one instance keeps; the oldest is dropped first. */
const KEPT_MAX = 100;

/** Keeps what takes long to read for a while, so that it is read once for many views of a page. */
export class Kept {
  readonly #clock: Clock;
  readonly #results = new Map<string, { until: number; result: Promise<unknown> }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Returns what was read for this key in the last `seconds`, or reads it.
   *
   * @param key names everything that the result depends on, also what the viewer may see
   */
  get<T>(key: string, seconds: number, read: () => Promise<T>): Promise<T> {
    const now = millisOf(this.#clock.now());
    const kept = this.#results.get(key);
    if (kept !== undefined && now < kept.until) return kept.result as Promise<T>;
    const result = read();
    this.#results.delete(key); // the new one comes last
    this.#results.set(key, { until: now + seconds * 1000, result });
    result.catch(() => this.#results.delete(key));
    const [oldest] = this.#results.keys();
    if (this.#results.size > KEPT_MAX && oldest !== undefined) this.#results.delete(oldest);
    return result;
  }
}
