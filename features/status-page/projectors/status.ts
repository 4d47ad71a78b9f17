import * as z from 'zod';
import { idOf, type Projections } from '../../../core/domain/incidents/projections.ts';
import type { ConfigSource } from '../../../core/domain/ports/config.ts';
import type { Incidents } from '../../../core/domain/ports/incidents.ts';
import type { PublicIncidents } from '../types.ts';
import { planRecord } from '../decisions/public-record.ts';
import { approvalRequest } from '../decisions/public-texts.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { hasSubscriptions } from '../names.ts';
import type { Projector } from '../../../core/projectors/sync.ts';

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
      const announce = hasSubscriptions(current);
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
