import * as fc from 'fast-check';
import { runs } from '../../support/runs.ts';
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

/** Returns numbers of interruptions, from the first on: each fifth, or all in a long run. */
export function points(last: number): number[] {
  const all = Array.from({ length: last }, (_, n) => n + 1);
  return runs(1) > 1 ? all : all.filter((at) => at % 5 === 1);
}
