import * as fc from 'fast-check';
import { anyFaults } from './faults.ts';
import { anyInterruptions } from './process.ts';
import type { Trouble } from './world.ts';

/** Calls that go wrong in every way, processes that die or hang, and two of them at once. */
export const anyTrouble: fc.Arbitrary<Trouble> = fc.record({
  faults: anyFaults,
  interruptions: anyInterruptions,
  twice: fc.boolean(),
});

export const NO_TROUBLE: Trouble = { faults: [], interruptions: new Map(), twice: false };

/**
 * More of them, as `RUNS=100000`, for as many minutes as `MINUTES` says, look for what a few do not find; `SEED`, as a
 * failure prints it, finds again what was found.
 */
export const runs = (number: number): { numRuns: number; seed?: number; interruptAfterTimeLimit?: number } => {
  const { RUNS, MINUTES, SEED } = process.env;
  return {
    numRuns: Number(RUNS ?? number),
    ...(SEED !== undefined && { seed: Number(SEED) }),
    ...(MINUTES !== undefined && { interruptAfterTimeLimit: Number(MINUTES) * 60_000 }),
  };
};
