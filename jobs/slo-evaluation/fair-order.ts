/** A fair order for a limited resource: the item that was served last comes last. */
export class FairOrder<T extends WeakKey> {
  readonly #served = new WeakMap<T, number>();
  #count = 0;

  sorted(all: readonly T[]): T[] {
    return all.toSorted((a, b) => (this.#served.get(a) ?? 0) - (this.#served.get(b) ?? 0));
  }

  had(one: T): void {
    this.#served.set(one, ++this.#count);
  }
}
