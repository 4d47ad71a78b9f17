import { withAcknowledgement, isAcknowledged } from '../../domain/paging/acknowledgement.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { Caller } from '../people/caller.ts';

/**
 * Acknowledges an incident for a person who makes a decision about it, without a timeline entry, because the decision
 * has its own. Paging and reminders for the acknowledgement stop.
 */
export async function acknowledgeByActing(
  deps: Pick<Deps, 'incidents' | 'clock'>,
  { name: by }: Caller,
  id: IncidentId,
) {
  await deps.incidents.amend(id, (incident) =>
    isAcknowledged(incident) ? undefined : withAcknowledgement(incident, { by, at: deps.clock.now() }),
  );
}
