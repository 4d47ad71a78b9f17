import type { Deps } from '../core/domain/ports/deps.ts';
import type { WatchId } from '../schemas/judge/watch.ts';
import type { Run } from './run.ts';
import { advanceWatch, beginWatch } from './steps/judge/watch.ts';

/**
 * Watches a deploy: judges its version at fixed times, and reports what it finds. The table stores each check, so that any
 * run can continue.
 */
export async function deployWatch(
  run: Run,
  input: { watchId: WatchId; run: number },
  deps: Deps,
): Promise<'over' | 'other'> {
  const { watchId, run: number } = input;
  const inCharge = await run.step('begin', () => beginWatch(deps, watchId, number, run.execution));
  if (!inCharge) return 'other';
  for (;;) {
    const { over, pauseSeconds } = await run.step('check', () => advanceWatch(deps, watchId));
    if (over) return 'over';
    await run.wait('pause', { seconds: pauseSeconds });
  }
}
