/** A fair order for a limited resource: the item that was served last comes last. */
export class Turns<T extends WeakKey> {
  readonly #had = new WeakMap<T, number>();
  #count = 0;

  inTurn(all: readonly T[]): T[] {
    return all.toSorted((a, b) => (this.#had.get(a) ?? 0) - (this.#had.get(b) ?? 0));
  }

  had(one: T): void {
    this.#had.set(one, ++this.#count);
  }
}
