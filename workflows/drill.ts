import type { Deps } from '../core/domain/ports/deps.ts';
import type { DrillId } from '../schemas/automation/drill.ts';
import type { Run } from './run.ts';
import { advanceDrill, beginDrill } from './steps/drill.ts';

/**
 * Runs a rollback drill for a target: rolls back to the good version, checks that the rollback holds, and rolls forward
 * again. The table stores the progress after each attempt, so that any run can continue.
 */
export async function drill(run: Run, input: { drillId: DrillId; run: number }, deps: Deps): Promise<'over' | 'other'> {
  const { drillId, run: number } = input;
  const inCharge = await run.step('begin', () => beginDrill(deps, drillId, number, run.execution));
  if (!inCharge) return 'other';
  for (;;) {
    const { over, pauseSeconds } = await run.step('attempt', () => advanceDrill(deps, drillId));
    if (over) return 'over';
    await run.wait('pause', { seconds: pauseSeconds });
  }
}
