import * as fc from 'fast-check';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import type { Process } from './process.ts';
import type { SimulatedClock } from './simulated-clock.ts';

/** Outcome of a call to a vendor. `at`: milliseconds after the call at which the vendor executes it. */
export type Fault =
  | { kind: 'done'; at: number; answeredAfter: number }
  | { kind: 'refused' }
  | { kind: 'later'; seconds: number | null }
  /** No answer in time. `at` null: the call never arrived. */
  | { kind: 'unclear'; at: number | null }
  /** The process dies during the call. */
  | { kind: 'dies'; at: number | null };

/** Time-out of a call. */
const CALL_MS = 10_000;

/** Maximum delay before a vendor executes a call. */
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

/** Faults of consecutive calls; later calls succeed. */
export const anyFaults: fc.Arbitrary<readonly Fault[]> = fc.array(anyFault, { maxLength: 40, size: 'max' });

export const WELL = { kind: 'done', at: 50, answeredAfter: 50 } as const;

/** A vendor's methods without faults, which return immediately. */
export type Vendor<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never;
} & {
  /** Result that is determined at the start of a call and makes the rest unnecessary. */
  begun?(method: string, args: readonly unknown[]): VendorResponse<unknown> | undefined;
};

type Line = {
  clock: SimulatedClock;
  process: Process;
  next: (method: string, args: readonly unknown[]) => Fault;
  /** Called when the vendor has executed a call, even if the answer is lost. */
  done: (method: string) => void;
  /** Number of calls that the vendor may still execute. */
  underWay: { calls: number };
};

/** Returns a vendor whose calls have faults. */
export function over<T extends object>(vendor: Vendor<T>, line: Line): T {
  return new Proxy(vendor, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]) => {
        const there = vendor.begun?.(String(name), args);
        const act = (): VendorResponse<unknown> => {
          const response = there ?? (Reflect.apply(method, target, args) as VendorResponse<unknown>);
          if (response.kind === 'done') line.done(String(name));
          return response;
        };
        return called(line, line.next(String(name), args), act);
      };
    },
  }) as unknown as T;
}

async function called(
  { clock, process, underWay }: Line,
  fault: Fault,
  act: () => VendorResponse<unknown>,
): Promise<VendorResponse<unknown>> {
  await process.alive(undefined);
  const arrives = (after: number): Promise<VendorResponse<unknown>> => {
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
      const response = await arrives(fault.at);
      await clock.pause(fault.answeredAfter);
      return process.alive(response);
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
