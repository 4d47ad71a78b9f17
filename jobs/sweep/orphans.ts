import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import { settleChildren, type SettleDeps } from '../../workflows/steps/settle-children.ts';

type OrphanDeps = SettleDeps & Pick<Deps, 'log'>;

/**
 * Settles child incidents whose parent is resolved, each minute: resolves them too, or lets them continue separately.
 * Usually, the parent's workflow does so, unless it fails at that moment; then no page would be sent for them. A failure for one parent does not stop the others.
 */
export async function settleOrphans(deps: OrphanDeps, open: readonly IncidentRecord[]): Promise<void> {
  const known = new Set(open.map(({ id }) => id));
  const parents = new Set(open.flatMap(({ parent_id }) => parent_id ?? []));
  for (const id of parents) {
    if (known.has(id)) continue;
    try {
      await settleChildren(deps, id); // checks the parent's status itself, because the list is eventually consistent
    } catch (error) {
      deps.log.error('the children of a resolved incident could not be settled', {
        incident: id,
        error: String(error),
      });
    }
  }
}
