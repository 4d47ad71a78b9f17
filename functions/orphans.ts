import type { Deps } from '../domain/ports.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import { settleParts, type SettleDeps } from '../workflows/steps/settle-parts.ts';

type OrphanDeps = SettleDeps & Pick<Deps, 'log'>;

/**
 * Each minute: parts whose parent is over and has not settled them, as its workflow does unless it has died at that very
 * moment. Nobody would be paged for them. One parent that cannot be settled keeps no other from it.
 */
export async function settleOrphans(deps: OrphanDeps, open: readonly IncidentRecord[]): Promise<void> {
  const known = new Set(open.map(({ id }) => id));
  const parents = new Set(open.flatMap(({ parent_id }) => parent_id ?? []));
  for (const id of parents) {
    if (known.has(id)) continue;
    try {
      await settleParts(deps, id); // the list may be behind: it looks for itself whether that is over
    } catch (error) {
      deps.log.error('the parts of an incident that is over could not be settled', {
        incident: id,
        error: String(error),
      });
    }
  }
}
