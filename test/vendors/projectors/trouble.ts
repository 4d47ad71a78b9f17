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
