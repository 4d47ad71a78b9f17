import type { Told } from '../domain/outlets.ts';
import { failed, go, went } from '../domain/pace.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { Allowance } from '../domain/token-bucket.ts';
import type { Pace } from '../schemas/projection.ts';
import { millisOf, timestamp, type Timestamp } from '../schemas/time.ts';

/** What is to be called, and what it may cost: one allowance for the method, one for the channel, … */
export type Method = { name: string; allowances: Readonly<Record<string, Allowance>> };

/** What a pass lends to each turn. */
export type Desk = {
  clock: Clock;
  log: Log;
  pace: Pace;
  /** Called before each attempt. @throws when another projector has taken over */
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

  /** Asks for another turn at this time, unless there is one before. */
  comeAgain(at: Timestamp): void {
    const millis = millisOf(at);
    this.#again = this.#again === null ? millis : Math.min(this.#again, millis);
  }

  /**
   * One attempt. Undefined: not now; the turn comes again. What was not done, or may not have been, slows the vendor's
   * pace and comes again, too; the caller only has to deal with what was done, refused or is off.
   */
  async attempt<T>({ name, allowances }: Method, call: () => Promise<Told<T>>): Promise<Told<T> | undefined> {
    const desk = this.#desk;
    const allowed = go(desk.pace, name, allowances, this.#millis());
    if (!allowed.ok) {
      this.comeAgain(timestamp(allowed.at));
      return undefined;
    }
    await desk.stillOurs();
    desk.pace = allowed.pace;
    const told = await call();
    switch (told.kind) {
      case 'done':
      case 'refused':
        desk.pace = went(desk.pace, name);
        break;
      case 'later':
      case 'unclear': {
        const after = told.kind === 'later' ? told.afterSeconds : null;
        desk.pace = failed(desk.pace, name, after, told.kind === 'unclear', this.#millis());
        desk.log.warn('an outlet did not take it; it comes again', { method: name, detail: told.detail });
        this.comeAgain(timestamp(this.#millis() + 1000));
        break;
      }
      case 'off':
        break;
    }
    return told;
  }

  #millis(): number {
    return millisOf(this.now());
  }
}
