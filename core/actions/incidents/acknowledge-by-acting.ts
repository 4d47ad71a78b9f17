import { withAcknowledgement, isAcknowledged } from '../../domain/paging/acknowledgement.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Caller } from '../people/caller.ts';

/**
 * Records that a person made a decision about an incident, which also acknowledges it. Without a timeline entry, because
 * the decision has its own. Paging and reminders for the acknowledgement stop.
 */
export async function acknowledgeByActing(
  deps: Pick<Deps, 'incidents' | 'clock'>,
  { name: by }: Caller,
  id: IncidentId,
) {
  await deps.incidents.amend(id, (incident) => {
    const acted = { by, at: deps.clock.now() };
    const { handling } = isAcknowledged(incident) ? {} : withAcknowledgement(incident, acted);
    return { handling: { ...handling, acted } };
  });
}
