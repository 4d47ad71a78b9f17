/** The maximum of Node's timers, in milliseconds. Longer waits use several timers. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/**
 * Processes pending work by `work`: soon after a poke, where many pokes cause one call, and at the time that the last
 * call returned. The pending work is in the store, so losing a worker loses nothing, and unnecessary pokes do no harm.
 */
export abstract class Worker {
  readonly #now: () => number;
  #running = false;
  #workScheduled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns the time of the next call without a poke, in milliseconds since the Unix epoch; undefined for none. */
  protected abstract work(): number | undefined;

  /** Whether it runs. After `stop`, the store is closed. */
  protected get isRunning(): boolean {
    return this.#running;
  }

  start(): void {
    this.#running = true;
    this.poke();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  poke(): void {
    if (!this.#running || this.#workScheduled) return;
    this.#workScheduled = true;
    setImmediate(() => {
      this.#workScheduled = false;
      if (this.#running) this.pokeAt(this.work());
    });
  }

  /** Replaces the time of the next call without a poke. */
  protected pokeAt(time: number | undefined): void {
    clearTimeout(this.#timer);
    if (time === undefined) return;
    this.#timer = setTimeout(() => this.poke(), Math.min(Math.max(0, time - this.#now()), TIMER_MAX_MS));
    this.#timer.unref();
  }
}
