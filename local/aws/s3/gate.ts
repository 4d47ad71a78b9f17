/** Lets work pass, except while somebody holds it. */
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

  /** Runs `work` once all that passes has ended, and lets nothing pass until its end. One at a time. */
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
