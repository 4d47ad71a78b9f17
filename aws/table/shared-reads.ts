type Batch<Key, Value> = {
  keys: Map<string, Key>;
  found: Promise<Map<string, Value>>;
  give(found: Map<string, Value>): void;
  fail(error: unknown): void;
};

/**
 * Reads of many who ask, in few calls. While a read is under way, those who ask wait and share the next one. That begins
 * after each of them has asked, so what it finds is as fresh as a read of their own, and strongly consistent where
 * `readAll` is. Who asks alone waits for nobody, as on Lambda, where a process has one request at a time.
 *
 * @param readAll gives values in the order of its keys, of which no two have the same name
 */
export class SharedReads<Key, Value> {
  readonly #readAll: (keys: Key[]) => Promise<Value[]>;
  readonly #nameOf: (key: Key) => string;
  #next: Batch<Key, Value> | undefined;
  #busy = false;

  constructor(readAll: (keys: Key[]) => Promise<Value[]>, nameOf: (key: Key) => string) {
    this.#readAll = readAll;
    this.#nameOf = nameOf;
  }

  /** @throws what `readAll` throws, to all who share the read */
  async read(keys: readonly Key[]): Promise<(Value | undefined)[]> {
    const batch = (this.#next ??= newBatch());
    for (const key of keys) batch.keys.set(this.#nameOf(key), key);
    void this.#work();
    const found = await batch.found;
    return keys.map((key) => found.get(this.#nameOf(key)));
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    await Promise.resolve(); // others who ask at this moment come along
    for (let batch = this.#take(); batch !== undefined; batch = this.#take()) {
      const names = [...batch.keys.keys()];
      try {
        const values = await this.#readAll([...batch.keys.values()]);
        batch.give(new Map(values.map((value, n) => [names[n] ?? '', value])));
      } catch (error) {
        batch.fail(error);
      }
    }
    this.#busy = false;
  }

  #take(): Batch<Key, Value> | undefined {
    const batch = this.#next;
    this.#next = undefined;
    return batch;
  }
}

function newBatch<Key, Value>(): Batch<Key, Value> {
  const { promise, resolve, reject } = Promise.withResolvers<Map<string, Value>>();
  return { keys: new Map(), found: promise, give: resolve, fail: reject };
}
