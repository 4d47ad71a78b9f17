import * as fc from 'fast-check';
import { anyFaults } from './faults.ts';
import { anyInterruptions } from './process.ts';
import type { Trouble } from './world.ts';

/** Any faults of calls, interruptions of processes, and parallel processes. */
export const anyTrouble: fc.Arbitrary<Trouble> = fc.record({
  faults: anyFaults,
  interruptions: anyInterruptions,
  twice: fc.boolean(),
});

export const NO_TROUBLE: Trouble = { faults: [], interruptions: new Map(), twice: false };

/** Returns numbers of interruptions, from the first on: each fifth, or all if `RUNS` is set. */
export function points(last: number): number[] {
  const all = Array.from({ length: last }, (_, n) => n + 1);
  return process.env['RUNS'] === undefined ? all.filter((at) => at % 5 === 1) : all;
}

/**
 * Returns the number of runs. To search longer, set `RUNS`, such as `RUNS=100000`, and `MINUTES` as the limit. To
 * reproduce a failure, set `SEED` to the printed value.
 */
export const runs = (number: number): { numRuns: number; seed?: number; interruptAfterTimeLimit?: number } => {
  const { RUNS, MINUTES, SEED } = process.env;
  return {
    numRuns: Number(RUNS ?? number),
    ...(SEED !== undefined && { seed: Number(SEED) }),
    ...(MINUTES !== undefined && { interruptAfterTimeLimit: Number(MINUTES) * 60_000 }),
  };
};
