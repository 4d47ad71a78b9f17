import type { Told } from '../domain/outlets.ts';
import { failed, go, went } from '../domain/pace.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { Allowance } from '../domain/token-bucket.ts';
import type { Pace } from '../schemas/projection.ts';
import { millisOf, plusSeconds, secondsBetween, timestamp, type Timestamp } from '../schemas/time.ts';

/**
 * What is refused stays so until somebody changes a permission, a token or a name; it is tried again so often, and less
 * often for what is over.
 */
const AFTER_A_REFUSAL_SECONDS = 60;
const AFTER_A_REFUSAL_WHEN_OVER_SECONDS = 600;

/** But not forever for what is over: else all that was ever refused would be tried again and again. */
const REFUSED_FOR_GOOD_SECONDS = 24 * 3600;

/** Between the record of an attempt and the attempt; whoever was held up for longer does not begin. */
const RECORD_HOLDS_SECONDS = 5;

/** What is to be called, and what it may cost: one allowance for the method, one for the channel, … */
export type Method = { name: string; allowances: Readonly<Record<string, Allowance>> };

/** What a pass lends to each turn. */
export type Desk = {
  clock: Clock;
  log: Log;
  pace: Pace;
  /** How much faster than the clock our own pauses go: 1 but for trials on one machine. Vendors' wishes stay as they are. */
  timeScale: number;
  /** By method: the attempt that is under way, and those that wait for it. */
  underWay: Map<string, Promise<unknown>>;
  /** No attempt is begun after it; null: that is up to whoever begins a turn. */
  until: Timestamp | null;
  /** Called around each attempt. @throws when another projector has taken over */
  stillOurs(): Promise<void>;
};

/** One subject's turn within a pass: attempts at the vendor as far as its pace allows, and when to go on. */
export class Turn {
  readonly #desk: Desk;
  #again: number | null = null;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** When to go on; null: there is nothing left to do. */
  get again(): Timestamp | null {
    return this.#again === null ? null : timestamp(this.#again);
  }

  now(): Timestamp {
    return this.#desk.clock.now();
  }

  get log(): Log {
    return this.#desk.log;
  }

  /** Called before what is shown is written down. @throws when another projector has taken over */
  stillOurs(): Promise<void> {
    return this.#desk.stillOurs();
  }

  /** Asks for another turn at this time, unless there is one before. */
  comeAgain(at: Timestamp): void {
    const millis = millisOf(at);
    this.#again = this.#again === null ? millis : Math.min(this.#again, millis);
  }

  /** It was refused: tried again in a while, for a day after it is over. Null: it goes on. */
  afterRefusal(over: Timestamp | null): void {
    if (!this.triesRefused(over)) return;
    const pause = over === null ? AFTER_A_REFUSAL_SECONDS : AFTER_A_REFUSAL_WHEN_OVER_SECONDS;
    this.comeAgain(plusSeconds(this.now(), Math.max(pause / this.#desk.timeScale, 1)));
  }

  /** Is something that was refused still tried again? */
  triesRefused(over: Timestamp | null): boolean {
    return over === null || secondsBetween(over, this.now()) < REFUSED_FOR_GOOD_SECONDS;
  }

  /**
   * One attempt, of a method one at a time. Undefined: not now; the turn comes again. What was not done, or may not have
   * been, slows the vendor's pace and comes again, too; the caller only has to deal with what was done, refused or is off.
   *
   * @param record of what must not be done twice, or may arrive late: says that it may be under way from this time on.
   *   False: it is under way elsewhere. It is the caller's to take back, unless the end is unclear
   * @throws when another projector has taken over, even after the call: then that one looks what became of it
   */
  async attempt<T>(
    method: Method,
    call: () => Promise<Told<T>>,
    record?: (at: Timestamp) => Promise<boolean>,
  ): Promise<Told<T> | undefined> {
    const { underWay } = this.#desk;
    const before = underWay.get(method.name);
    const attempt = this.#after(before, () => this.#alone(method, call, record));
    const over = attempt.catch(() => undefined);
    underWay.set(method.name, over);
    try {
      return await attempt;
    } finally {
      if (underWay.get(method.name) === over) underWay.delete(method.name);
    }
  }

  /** Whoever had to wait for another one's attempt may be too late by then. */
  async #after<T>(before: Promise<unknown> | undefined, begin: () => Promise<T>): Promise<T | undefined> {
    if (before === undefined) return begin();
    await before;
    const { until } = this.#desk;
    if (until === null || this.now() <= until) return begin();
    this.comeAgain(this.now());
    return undefined;
  }

  async #alone<T>(
    { name, allowances }: Method,
    call: () => Promise<Told<T>>,
    record?: (at: Timestamp) => Promise<boolean>,
  ): Promise<Told<T> | undefined> {
    const desk = this.#desk;
    const allowed = go(desk.pace, name, allowances, this.#millis());
    if (!allowed.ok) {
      this.comeAgain(timestamp(allowed.at));
      return undefined;
    }
    await desk.stillOurs();
    const at = this.now();
    if (record !== undefined && !(await record(at))) {
      this.comeAgain(plusSeconds(at, 1));
      return undefined;
    }
    await desk.stillOurs();
    if (secondsBetween(at, this.now()) > RECORD_HOLDS_SECONDS) {
      this.comeAgain(this.now());
      return { kind: 'later', detail: 'the record of the attempt took too long', afterSeconds: null };
    }
    // Others may have had their attempts meanwhile: what is left counts, and not what was.
    const still = go(desk.pace, name, allowances, this.#millis());
    if (!still.ok) {
      this.comeAgain(timestamp(still.at));
      return { kind: 'later', detail: 'others have had what was allowed', afterSeconds: null };
    }
    desk.pace = still.pace;
    const told = await call();
    this.#paced(name, told);
    await desk.stillOurs();
    return told;
  }

  #paced(name: string, told: Told<unknown>): void {
    const desk = this.#desk;
    switch (told.kind) {
      case 'done':
      case 'refused':
        desk.pace = went(desk.pace, name);
        break;
      case 'later':
      case 'unclear': {
        const after = told.kind === 'later' ? told.afterSeconds : null;
        desk.pace = failed(desk.pace, name, after, told.kind === 'unclear', this.#millis(), desk.timeScale);
        desk.log.warn('an outlet did not take it; it comes again', { method: name, detail: told.detail });
        this.comeAgain(timestamp(this.#millis() + 1000));
        break;
      }
      case 'off':
        break;
    }
  }

  #millis(): number {
    return millisOf(this.now());
  }
}
