type Batch<Key, Value> = {
  keys: Map<string, Key>;
  found: Promise<Map<string, Value>>;
  give(found: Map<string, Value>): void;
  fail(error: unknown): void;
};

/**
 * Combines concurrent reads into few calls. While a read is in progress, new callers wait and share the next one. It
 * begins after each of them has asked, so its result is as fresh as a read of their own, and strongly consistent if
 * `readAll` is. A single caller never waits, as on Lambda, where a process handles one request at a time.
 *
 * @param readAll returns values in the order of its keys, which have unique names
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

  /** @throws what `readAll` throws, to all callers that share the read */
  async read(keys: readonly Key[]): Promise<(Value | undefined)[]> {
    const batch = (this.#next ??= newBatch());
    const names = keys.map((key) => {
      const name = this.#nameOf(key);
      batch.keys.set(name, key);
      return name;
    });
    void this.#work();
    const found = await batch.found;
    return names.map((name) => found.get(name));
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    await Promise.resolve(); // let callers of the same moment join
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
