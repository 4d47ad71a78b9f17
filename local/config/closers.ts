/** Keeps what was opened, and closes it in reverse order. */
export class Closers {
  readonly #closers: (() => Promise<void> | void)[] = [];

  add<T extends { close(): Promise<void> | void }>(part: T): T {
    this.onClose(() => part.close());
    return part;
  }

  onClose(close: () => Promise<void> | void): void {
    this.#closers.unshift(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close();
  }
}
