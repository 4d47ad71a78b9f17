/** Node's timers hold no more than this, in milliseconds; a later time is reached in several goes. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/**
 * Looks what there is to do: soon after a poke, any number of which become one look, and when the last look said so.
 * What there is to do stands in the store; so nothing is lost with a watch, and a poke too many does no harm.
 */
export class Watch {
  readonly #now: () => number;
  readonly #look: () => number | undefined;
  #awake = false;
  #lookScheduled = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param look returns when to look again even if nobody pokes: epoch milliseconds, or never */
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
