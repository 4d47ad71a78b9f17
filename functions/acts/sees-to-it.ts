import { heard, isHeard } from '../../domain/heard.ts';
import type { Deps } from '../../domain/ports.ts';
import type { IncidentId } from '../../schemas/names.ts';
import type { Who } from './who.ts';

/**
 * Whoever decides something about an incident sees to it: it is neither paged further nor are they reminded to say so.
 * What they have decided stands on the timeline by itself.
 */
export async function seesToIt(deps: Pick<Deps, 'incidents' | 'clock'>, { name: by }: Who, id: IncidentId) {
  await deps.incidents.amend(id, (incident) =>
    isHeard(incident) ? undefined : heard(incident, { by, at: deps.clock.now() }),
  );
}
