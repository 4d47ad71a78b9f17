import { type SimilarDeps, updateSimilar } from '../../actions/incidents/similar-incidents.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';

/** How long after its opening an incident is compared with earlier ones. The sweeper looks each minute. */
const COMPARED_SECONDS = 5 * 60;

/**
 * Compares new incidents with earlier ones: again in each of the first minutes, because the suspect is found later. The
 * workflow of an incident does not do this: a wait for it would interrupt the workflow each minute, while it pages and rolls
 * back. Errors are logged.
 */
export async function compareIncidents(
  deps: SimilarDeps & Pick<Deps, 'log'>,
  open: readonly IncidentRecord[],
): Promise<{ compared: number }> {
  let compared = 0;
  const since = plusSeconds(deps.clock.now(), -COMPARED_SECONDS);
  for (const { id } of open.filter(({ opened_at }) => opened_at >= since)) {
    try {
      if (await updateSimilar(deps, id)) compared += 1;
    } catch (error) {
      deps.log.error('an incident could not be compared with earlier ones', { incident: id, error: String(error) });
    }
  }
  return { compared };
}
