/** A fair order in which items get a limited resource, such as time: the item that was served last comes last. */
export class FairOrder<T extends WeakKey> {
  readonly #served = new WeakMap<T, number>();
  #count = 0;

  /** Returns the items, those that have waited longest first. */
  sorted(all: readonly T[]): T[] {
    return all.toSorted((a, b) => (this.#served.get(a) ?? 0) - (this.#served.get(b) ?? 0));
  }

  /** Records that an item has got the resource. */
  markServed(item: T): void {
    this.#served.set(item, ++this.#count);
  }
}
