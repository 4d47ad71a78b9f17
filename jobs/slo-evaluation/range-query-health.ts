/** How many range queries must fail in a row: as many as run in parallel. */
const ENOUGH = 5;

/**
 * Tracks whether Prometheus responds to range queries in one evaluation. If it does not, the remaining objectives wait
 * for the next evaluation, so that thousands of queries do not fail each minute. Other objectives come first then.
 */
export class RangeQueryHealth {
  #inARow = 0;
  #last = '';

  succeeded(): void {
    this.#inARow = 0;
  }

  /** @param why the reason, as text */
  failed(why: string): void {
    this.#inARow += 1;
    this.#last = why;
  }

  /** Why further range queries would fail now, or null. */
  get failureReason(): string | null {
    return this.#inARow >= ENOUGH ? this.#last : null;
  }
}
