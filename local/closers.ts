/** Collects how to close what was opened, and closes everything in reverse order. */
export class Closers {
  readonly #closers: (() => Promise<void> | void)[] = [];
  /** Whether `close` was called. */
  isClosing = false;

  add<T extends { close(): Promise<void> | void }>(opened: T): T {
    this.onClose(() => opened.close());
    return opened;
  }

  onClose(close: () => Promise<void> | void): void {
    this.#closers.unshift(close);
  }

  async close(): Promise<void> {
    this.isClosing = true;
    for (const close of this.#closers.splice(0)) await close();
  }
}
