import * as z from 'zod';
import { idOf, type Projections } from '../../domain/incidents/projections.ts';
import type { ConfigSource } from '../../domain/ports/config.ts';
import type { Incidents } from '../../domain/ports/incidents.ts';
import type { PublicIncidents } from '../../domain/ports/status.ts';
import { planRecord } from '../../domain/status/public-record.ts';
import { approvalRequest } from '../../domain/status/public-texts.ts';
import { IncidentId } from '../../schemas/config/names.ts';
import { PROJECTION_TARGETS } from '../../schemas/incidents/projection.ts';
import type { Projector } from '../sync/sync.ts';

/** A person was asked whether the incident may be published: the entry on the timeline marks the incident again. */
const StatusState = z.object({ approvalRequested: z.boolean().default(false) });

type Deps = {
  projections: Pick<Projections, 'read' | 'write' | 'wake'>;
  incidents: Pick<Incidents, 'read' | 'note'>;
  publicIncidents: Pick<PublicIncidents, 'idOf' | 'read' | 'write'>;
  config: ConfigSource;
};

/** Returns the projector for Firebreak's own status page: it writes what the public may see of an incident. */
export const statusProjector =
  ({ projections, incidents, publicIncidents, config }: Deps): Projector =>
  async (subject, session) => {
    const incident = await incidents.read(IncidentId.parse(idOf(subject)));
    if (incident === undefined) return;
    const id = publicIncidents.idOf(incident.id);
    const now = session.now();
    const current = await config.current();
    const plan = planRecord(await publicIncidents.read(id), incident, current, { id, now });
    if (plan.kind === 'nothing') return;
    if (plan.kind === 'write') {
      await session.checkLease();
      const announce = PROJECTION_TARGETS.subscribers.isUsed(current);
      await publicIncidents.write(plan.record, announce);
      // If this fails, the sweeper wakes it.
      return announce ? projections.wake('subscribers', 1) : undefined;
    }
    const { approvalRequested } = StatusState.parse((await projections.read('status', subject)) ?? {});
    if (approvalRequested) return;
    await incidents.note(incident.id, ...approvalRequest(incident.id, now));
    await session.checkLease();
    await projections.write('status', subject, { approvalRequested: true });
  };
