import type { ConfigSource } from '../../domain/ports/config.ts';
import { type IncidentDeps, tellIncident } from './incident.ts';
import { type ChangeDeps, tellChange } from './change.ts';
import type { Projector } from '../sync/sync.ts';

/** Returns the projector for webhook receivers of incidents, and for change events at PagerDuty. */
export const webhooksProjector =
  (deps: IncidentDeps & ChangeDeps & { config: ConfigSource }): Projector =>
  async (subject, turn) => {
    const { response } = await deps.config.current();
    if (subject.startsWith('incident:')) return tellIncident(deps, response.webhooks, subject, turn);
    if (response.pagerduty.changeEvents) return tellChange(deps, subject, turn);
  };
