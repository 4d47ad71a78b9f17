/** How many range queries must fail in a row: as many as run in parallel. */
const FAILURES_IN_A_ROW = 5;

/**
 * Tracks whether Prometheus responds to range queries in one evaluation. If it does not, the remaining objectives wait
 * for the next evaluation, which starts with them, so that thousands of queries do not fail each minute.
 */
export class RangeQueryHealth {
  #failuresInARow = 0;
  #lastReason = '';

  succeeded(): void {
    this.#failuresInARow = 0;
  }

  /** @param why the reason, as text */
  failed(why: string): void {
    this.#failuresInARow += 1;
    this.#lastReason = why;
  }

  /** Why further range queries would fail now, or null. */
  get failureReason(): string | null {
    return this.#failuresInARow >= FAILURES_IN_A_ROW ? this.#lastReason : null;
  }
}
