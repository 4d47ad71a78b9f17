import { deps as productionDeps } from '../aws/deps.ts';
import type { Deps } from '../domain/ports.ts';
import { plusSeconds } from '../schemas/time.ts';
import { wake } from '../workflows/wake.ts';

/** What has been waiting for this long was forgotten by whoever should have started or rung it. */
const OVERDUE_SECONDS = 30;

/** Each minute: starts or rings whatever waits longer than it should, whatever went wrong before. */
export async function sweep(deps: Pick<Deps, 'incidents' | 'engine' | 'clock' | 'log'>): Promise<{ woken: number }> {
  const overdue = await deps.incidents.pending(plusSeconds(deps.clock.now(), -OVERDUE_SECONDS));
  let woken = 0;
  for (const id of overdue) {
    try {
      const how = await wake(deps, id);
      woken += how === 'idle' ? 0 : 1;
      deps.log.warn('an incident had to be woken by the sweeper', { incident: id, how });
    } catch (error) {
      // One incident that cannot be woken must not keep the others asleep.
      deps.log.error('an incident could not be woken', { incident: id, error: String(error) });
    }
  }
  return { woken };
}

export const handler = (): Promise<{ woken: number }> => sweep(productionDeps());
