import * as fc from 'fast-check';
import type { Told } from '../../domain/outlets.ts';
import type { Process } from './process.ts';
import type { SimulatedClock } from './simulated-clock.ts';

/** What befalls one call of a vendor. `at`: so many milliseconds after it was made, the vendor does what was asked. */
export type Fault =
  | { kind: 'done'; at: number; answeredAfter: number }
  | { kind: 'refused' }
  | { kind: 'later'; seconds: number | null }
  /** No answer in time. `at` null: it never arrived. */
  | { kind: 'unclear'; at: number | null }
  /** The process dies during the call. */
  | { kind: 'dies'; at: number | null };

/** Our limit for a call. */
const CALL_MS = 10_000;

/** So long a vendor may sit on what it has got. */
const SITS_ON_IT_MS = 60_000;

const arrival = fc.oneof(
  fc.constant(null),
  fc.constant(0),
  fc.integer({ min: 0, max: 9 }).map((seconds) => seconds * 1000),
  fc.integer({ min: 10, max: (CALL_MS + SITS_ON_IT_MS) / 1000 }).map((seconds) => seconds * 1000),
);

const anyFault: fc.Arbitrary<Fault> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('done' as const), at: fc.nat(400), answeredAfter: fc.nat(400) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('done' as const), at: fc.nat(5000), answeredAfter: fc.nat(4900) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'refused' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('later' as const), seconds: fc.constantFrom(null, 1, 30, 90) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('unclear' as const), at: arrival }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('dies' as const), at: arrival }) },
);

/** For one call after the other; after these, all goes well. */
export const anyFaults: fc.Arbitrary<readonly Fault[]> = fc.array(anyFault, { maxLength: 40, size: 'max' });

export const WELL = { kind: 'done', at: 50, answeredAfter: 50 } as const;

/** A vendor's methods, as it does them: at once, and with its own answer. */
export type Vendor<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never;
} & {
  /** What is seen when a call begins and makes the rest of it needless. */
  begun?(method: string, args: readonly unknown[]): Told<unknown> | undefined;
};

type Line = {
  clock: SimulatedClock;
  process: Process;
  next: (method: string, args: readonly unknown[]) => Fault;
  /** Told when the vendor has done what was asked, whether or not anybody learns of it. */
  done: (method: string) => void;
  /** While it may do something yet. */
  underWay: { calls: number };
};

/** The vendor at the end of a line that may be disturbed. */
export function over<T extends object>(vendor: Vendor<T>, line: Line): T {
  return new Proxy(vendor, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]) => {
        const there = vendor.begun?.(String(name), args);
        const act = (): Told<unknown> => {
          const told = there ?? (Reflect.apply(method, target, args) as Told<unknown>);
          if (told.kind === 'done') line.done(String(name));
          return told;
        };
        return called(line, line.next(String(name), args), act);
      };
    },
  }) as unknown as T;
}

async function called(
  { clock, process, underWay }: Line,
  fault: Fault,
  act: () => Told<unknown>,
): Promise<Told<unknown>> {
  await process.alive(undefined);
  const arrives = (after: number): Promise<Told<unknown>> => {
    underWay.calls += 1;
    return new Promise((resolve) => {
      clock.in(after, () => {
        underWay.calls -= 1;
        resolve(act());
      });
    });
  };
  switch (fault.kind) {
    case 'done': {
      const told = await arrives(fault.at);
      await clock.pause(fault.answeredAfter);
      return process.alive(told);
    }
    case 'refused':
      await clock.pause(WELL.at);
      return process.alive({ kind: 'refused' as const, code: 'missing_scope', detail: 'missing_scope' });
    case 'later':
      await clock.pause(WELL.at);
      return process.alive({ kind: 'later' as const, detail: 'busy', afterSeconds: fault.seconds });
    case 'unclear':
      if (fault.at !== null) void arrives(fault.at);
      await clock.pause(CALL_MS);
      return process.alive({ kind: 'unclear' as const, detail: 'no answer in time' });
    case 'dies':
      if (fault.at !== null) void arrives(fault.at);
      process.die();
      return process.alive({ kind: 'unclear' as const, detail: 'dead' });
  }
}
