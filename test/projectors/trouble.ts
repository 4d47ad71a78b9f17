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

/** `RUNS=5000` looks for what a hundred do not find. */
export const runs = (number: number): { numRuns: number } => ({ numRuns: Number(process.env['RUNS'] ?? number), ...JSON.parse(process.env['HOW'] ?? '{}') });
