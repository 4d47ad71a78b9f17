import * as fc from 'fast-check';
import type { SimulatedClock } from './simulated-clock.ts';

/** Interruption of a process at a read or write of projection state, counted over all processes. */
export type Interruption = { kind: 'dies' } | { kind: 'hangs'; seconds: number };

/** Interruptions by number of the read or write. */
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

/** Promise that never settles, for dead processes. */
const never = <T>(): Promise<T> => new Promise(() => undefined);

/** Maximum duration of a function. */
const LIFE_MS = 60_000;

/** One invocation. After it has died, all its promises stay pending, so it does nothing more. */
export class Process {
  readonly #clock: SimulatedClock;
  readonly #interrupt: () => Interruption | undefined;
  #dead = false;
  #onEnd: (well: boolean) => void = () => undefined;
  /** Resolves to true if it finished, and to false if it died. */
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

  /** Marks the process as finished. */
  end(): void {
    this.#onEnd(true);
  }

  /** Passes a value on if the process is alive. */
  alive<T>(value: T): T | Promise<T> {
    return this.#dead ? never() : value;
  }

  /**
   * Returns a store at whose calls the process may die or hang, before or after the operation. Unconditional writes
   * don't hang before the operation, because the lease check comes right before them.
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
