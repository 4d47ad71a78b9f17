import type { Deps } from './ports.ts';
import type { CanaryActions } from './types.ts';
import type { CanaryId } from './canary.ts';
import type { Run } from '../../workflows/run.ts';
import { advanceCanary, beginCanary, handOverCanary, storeCanaryCallback } from './steps/advance.ts';

/** Operations after which the next run continues. Each round costs up to three, of which a run has 3,000. */
const OPERATIONS_MAX = 1500;

export type CanaryInput = { canaryId: CanaryId; run: number };

/**
 * Runs a canary: raises the share of traffic of a new version step by step while the judge finds it healthy, and sets it
 * back when it is not. The table stores the progress after each step, so that any run can continue.
 */
export async function canary(
  run: Run,
  { canaryId, run: number }: CanaryInput,
  deps: Deps,
  actions: CanaryActions,
): Promise<'over' | 'other' | 'handed-over'> {
  const inCharge = await run.step('begin', () => beginCanary(deps, canaryId, number, run.execution));
  if (!inCharge) return 'other';
  for (;;) {
    const { over, seconds } = await run.step('advance', () => advanceCanary(deps, actions, canaryId));
    if (over) return 'over';
    if (run.operations() > OPERATIONS_MAX) {
      await run.step('hand-over', () => handOverCanary(deps, canaryId, number));
      return 'handed-over';
    }
    if (seconds === 0) continue;
    const wakeUp = await run.createCallback('wake-up', { seconds });
    const waits = await run.step('await-request', () => storeCanaryCallback(deps, canaryId, wakeUp.id));
    if (waits) await wakeUp.settled();
  }
}
