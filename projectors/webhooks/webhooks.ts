import type { ConfigSource } from '../../domain/ports/config.ts';
import { type IncidentDeps, sendIncident } from './incident.ts';
import { type ChangeDeps, sendChange } from './change.ts';
import type { Projector } from '../sync/sync.ts';

/** Returns the projector for webhook receivers of incidents, and for change events at PagerDuty. */
export const webhooksProjector =
  (deps: IncidentDeps & ChangeDeps & { config: ConfigSource }): Projector =>
  async (subject, session) => {
    const { response } = await deps.config.current();
    if (subject.startsWith('incident:')) return sendIncident(deps, response.webhooks, subject, session);
    if (subject.startsWith('change:') && response.pagerduty.changeEvents) return sendChange(deps, subject, session);
  };
