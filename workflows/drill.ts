import type { Deps } from '../domain/ports.ts';
import type { DrillId } from '../schemas/drill.ts';
import type { Run } from './run.ts';
import { advanceDrill, takeCharge } from './steps/drill.ts';

/**
 * A target's way back, tried out: back to the good version, a look whether it holds, and forth again. Where it stands is
 * in the table, attempt by attempt, so that any run can go on from there.
 */
export async function drill(run: Run, input: { drillId: DrillId; run: number }, deps: Deps): Promise<'over' | 'other'> {
  const { drillId, run: number } = input;
  const inCharge = await run.step('take-charge', () => takeCharge(deps, drillId, number, run.execution));
  if (!inCharge) return 'other';
  for (;;) {
    const { over, pauseSeconds } = await run.step('attempt', () => advanceDrill(deps, drillId));
    if (over) return 'over';
    await run.wait('pause', { seconds: pauseSeconds });
  }
}
