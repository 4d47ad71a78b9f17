/** The maximum of Node's timers, in milliseconds. Longer waits use several timers. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/**
 * Calls `look` to process pending work: soon after a poke, where many pokes cause one call, and at the time that the
 * last call returned. The pending work is in the store, so losing a watch loses nothing, and unnecessary pokes do no
 * harm.
 */
export class Watch {
  readonly #now: () => number;
  readonly #look: () => number | undefined;
  #awake = false;
  #lookScheduled = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param look returns the time of the next call without a poke, in milliseconds since the Unix epoch; undefined for
   *   none
   */
  constructor(now: () => number, look: () => number | undefined) {
    this.#now = now;
    this.#look = look;
  }

  get isAwake(): boolean {
    return this.#awake;
  }

  start(): void {
    this.#awake = true;
    this.poke();
  }

  stop(): void {
    this.#awake = false;
    clearTimeout(this.#timer);
  }

  poke(): void {
    if (!this.#awake || this.#lookScheduled) return;
    this.#lookScheduled = true;
    setImmediate(() => {
      this.#lookScheduled = false;
      if (this.#awake) this.#lookAgainAt(this.#look());
    });
  }

  #lookAgainAt(time: number | undefined): void {
    clearTimeout(this.#timer);
    if (time === undefined) return;
    this.#timer = setTimeout(() => this.poke(), Math.min(Math.max(0, time - this.#now()), TIMER_MAX_MS));
    this.#timer.unref();
  }
}
