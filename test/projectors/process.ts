import * as fc from 'fast-check';
import type { SimulatedClock } from './simulated-clock.ts';

/** Something that befalls a process at one of its reads and writes of what is shown, counted over all processes. */
export type Interruption = { kind: 'dies' } | { kind: 'hangs'; seconds: number };

/** By the number of the read or write. */
export type Interruptions = ReadonlyMap<number, Interruption>;

export const anyInterruptions: fc.Arbitrary<Interruptions> = fc
  .array(
    fc.tuple(
      fc.nat(120),
      fc.oneof(
        fc.constant({ kind: 'dies' as const }),
        fc.integer({ min: 5, max: 55 }).map((seconds) => ({ kind: 'hangs' as const, seconds })),
      ),
    ),
    { maxLength: 4 },
  )
  .map((pairs) => new Map(pairs));

/** What never comes: for whoever is dead. */
const never = <T>(): Promise<T> => new Promise(() => undefined);

/** A function in the cloud gets no more. */
const LIFE_MS = 60_000;

/** One invocation. When it has died, everything that it waits for never comes, so it does nothing more. */
export class Process {
  readonly #clock: SimulatedClock;
  readonly #interrupt: () => Interruption | undefined;
  #dead = false;
  #onEnd: (well: boolean) => void = () => undefined;
  /** True: it has finished. False: it has died. */
  readonly ended: Promise<boolean>;

  constructor(clock: SimulatedClock, interrupt: () => Interruption | undefined) {
    this.#clock = clock;
    this.#interrupt = interrupt;
    this.ended = new Promise((resolve) => {
      this.#onEnd = resolve;
    });
    clock.in(LIFE_MS, () => this.die());
  }

  die(): void {
    this.#dead = true;
    this.#onEnd(false);
  }

  /** It has done all that it wanted to. */
  end(): void {
    this.#onEnd(true);
  }

  /** The value, to those who live. */
  alive<T>(value: T): T | Promise<T> {
    return this.#dead ? never() : value;
  }

  /**
   * A store, at each of whose calls it may die or hang: before what is asked for is done, or after it. Only what is
   * written without a condition does not hang before it is done: the look whether the lease still holds comes just before.
   */
  using<T extends object>(store: T): T {
    const step = async (mayHang = true): Promise<void> => {
      const interruption = this.#interrupt();
      if (interruption?.kind === 'dies') this.die();
      if (interruption?.kind === 'hangs' && mayHang) await this.#clock.pause(interruption.seconds * 1000);
      await this.alive(undefined);
    };
    return new Proxy(store, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]): Promise<unknown> => {
          await step(name !== 'write' && name !== 'settle');
          const value: unknown = await Reflect.apply(method, target, args);
          await step();
          return value;
        };
      },
    });
  }
}
