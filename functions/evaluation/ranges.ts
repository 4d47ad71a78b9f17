/** So many in a row that are not answered: as many as are asked for at once. */
const ENOUGH = 5;

/**
 * Whether a Prometheus answers range queries, in one evaluation. Of one that answers none, thousands of objectives would
 * ask in vain each minute; so the others wait for the next evaluation, in which others are the first to ask.
 */
export class Ranges {
  #inARow = 0;
  #last = '';

  answered(): void {
    this.#inARow = 0;
  }

  /** @param why in words */
  notAnswered(why: string): void {
    this.#inARow += 1;
    this.#last = why;
  }

  /** Why it is of no use to ask for more of them now. Null: it may be. */
  get futile(): string | null {
    return this.#inARow >= ENOUGH ? this.#last : null;
  }
}
