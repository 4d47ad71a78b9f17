import type { Deps } from './ports.ts';
import type { ExperimentId } from './experiment.ts';
import type { Run } from '../../workflows/run.ts';
import { advanceExperiment, beginExperiment, handOverExperiment, storeExperimentCallback } from './steps/advance.ts';

/** Operations after which the next run continues. Each round costs up to three, of which a run has 3,000. */
const OPERATIONS_MAX = 1500;

/**
 * Observes a chaos experiment: measures the steady state, watches the hypothesis while the experiment runs, stops it if
 * an abort condition is met or its time is over, and concludes. The table stores each step, so that any run can continue.
 */
export async function experiment(
  run: Run,
  { experimentId, run: workflowRun }: { experimentId: ExperimentId; run: number },
  deps: Deps,
): Promise<'over' | 'other' | 'handed-over'> {
  const inCharge = await run.step('begin', () => beginExperiment(deps, experimentId, workflowRun, run.execution));
  if (!inCharge) return 'other';
  for (;;) {
    const { over, seconds } = await run.step('advance', () => advanceExperiment(deps, experimentId));
    if (over) return 'over';
    if (run.operations() > OPERATIONS_MAX) {
      await run.step('hand-over', () => handOverExperiment(deps, experimentId, workflowRun));
      return 'handed-over';
    }
    if (seconds === 0) continue;
    const wakeUp = await run.createCallback('wake-up', { seconds });
    const waits = await run.step('await-request', () => storeExperimentCallback(deps, experimentId, wakeUp.id));
    if (waits) await wakeUp.settled();
  }
}
