/** Lets work pass concurrently, except while the gate is held. */
export class Gate {
  #passing = 0;
  #held: Promise<unknown> | undefined;
  #idle = Promise.withResolvers<void>();

  async pass<T>(work: () => Promise<T>): Promise<T> {
    while (this.#held) await this.#held;
    this.#passing += 1;
    try {
      return await work();
    } finally {
      this.#passing -= 1;
      if (this.#passing === 0) this.#idle.resolve();
    }
  }

  /** Runs `work` alone: waits for all passing work to end, and lets nothing pass until `work` ends. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    while (this.#held) await this.#held;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    try {
      if (this.#passing > 0) {
        this.#idle = Promise.withResolvers();
        await this.#idle.promise;
      }
      return await work();
    } finally {
      this.#held = undefined;
      resolve();
    }
  }
}
