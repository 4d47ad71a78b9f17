import type { Product } from '../../../../functions/assembly/product.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { IncidentId } from '../../../../schemas/config/names.ts';
import { millisOf, plusSeconds } from '../../../../schemas/time/time.ts';
import { type Observed, portsAt } from '../../evaluation/monitored/ports.ts';
import { joinGroup } from '../../../../workflows/steps/incident-group.ts';

/** Seconds before an incident of which others can be in its group. */
const LOOK_BACK_SECONDS = 3600;

type Parent = NonNullable<Awaited<ReturnType<Product['incidentGroups']['parentIn']>>>;

/**
 * Lets the product group the incidents of a case in the order in which they open, as it does before the first page of each.
 * Returns the ids of those in a group of many, whose automation asks; a group of a dependency changes no decision.
 */
export async function groupedIncidents(monitored: Observed, until: number): Promise<ReadonlySet<string>> {
  if (monitored.others.every(({ at }) => at > until)) return new Set();
  const { deps: last } = portsAt(monitored, until);
  const now = last.clock.now();
  const openings = await last.incidentGroups.newestOpenings({
    since: plusSeconds(now, -LOOK_BACK_SECONDS),
    until: now,
  });
  const children = new Map<string, string>();
  let parent: Parent | undefined;
  for (const { id, at, environment } of openings) {
    const { deps } = portsAt(monitored, (millisOf(at) + 1) / 1000 - monitored.world.epoch);
    const groups = {
      opening: deps.incidentGroups.opening,
      openingsOf: deps.incidentGroups.openingsOf,
      newestOpenings: deps.incidentGroups.newestOpenings,
      stillFailing: deps.incidentGroups.stillFailing,
      parentIn: async () => {
        const members = openings.filter((one) => children.get(one.id) === parent?.incident.id);
        const isOpen = (await deps.incidentGroups.stillFailing(members)).length > 0;
        return isOpen ? parent : undefined;
      },
      openParent: async (_environment: string, reason: Parent['incident']['group_reason']) => {
        const parentId = IncidentId.parse(`${id.slice(0, -1)}0`);
        if (reason?.because !== 'many') return parentId;
        parent = { incident: { id: parentId, group_reason: reason } as IncidentRecord, lastJoinedAt: at };
        return parentId;
      },
      join: async (group: string, child: string) => {
        if (group === parent?.incident.id) {
          children.set(child, group);
          parent = { ...parent, lastJoinedAt: at };
        }
        return 'joined' as const;
      },
    };
    const incidents = { read: async () => undefined };
    const incident = { id, opened_at: at, environment, trace: '' } as IncidentRecord;
    await joinGroup(
      { ...deps, config: deps.config, log: deps.log, incidents, incidentGroups: groups } as unknown as Product,
      incident,
    );
  }
  return new Set(children.keys());
}
