/** A readers-writer lock: work passes concurrently, except while work that must run alone holds the gate. */
export class Gate {
  #passing = 0;
  #exclusive: Promise<unknown> | undefined;
  #idle = Promise.withResolvers<void>();

  /** Runs `work` concurrently with other passing work. Waits while the gate is held. */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    while (this.#exclusive) await this.#exclusive;
    this.#passing += 1;
    try {
      return await work();
    } finally {
      this.#passing -= 1;
      if (this.#passing === 0) this.#idle.resolve();
    }
  }

  /** Runs `work` alone: waits for all passing work to end, and lets nothing pass until `work` ends. */
  async runAlone<T>(work: () => Promise<T>): Promise<T> {
    while (this.#exclusive) await this.#exclusive;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exclusive = promise;
    try {
      if (this.#passing > 0) {
        this.#idle = Promise.withResolvers();
        await this.#idle.promise;
      }
      return await work();
    } finally {
      this.#exclusive = undefined;
      resolve();
    }
  }
}
