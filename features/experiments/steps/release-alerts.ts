import type { Deps } from '../ports.ts';
import type { ExperimentRecord } from '../experiment.ts';

/**
 * Sends the expected alerts that still fire once more. The experiment is over, so they are treated like any other: they
 * open incidents and page. A repeat has no effect.
 *
 * @returns their number
 */
export async function releaseAlerts(
  { incidents, queue, clock }: Pick<Deps, 'incidents' | 'queue' | 'clock'>,
  { id, trace, started_at: startedAt }: ExperimentRecord,
): Promise<number> {
  if (startedAt === null) return 0;
  const muted = await incidents.muted();
  const explained = muted
    .filter(({ mute }) => mute?.by === 'experiment' && mute.name === id)
    .map(({ signal }) => signal);
  if (explained.length > 0) await queue.sendAll({ id: `${id}-released`, at: clock.now(), trace }, explained);
  return explained.length;
}
