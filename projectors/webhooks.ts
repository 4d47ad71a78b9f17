import type { ConfigSource } from '../domain/ports.ts';
import { type IncidentDeps, tellIncident } from './webhooks/incident.ts';
import { type ChangeDeps, tellChange } from './webhooks/change.ts';
import type { Projector } from './pass.ts';

/** Returns the projector for webhook receivers of incidents, and for change events at PagerDuty. */
export const webhooksProjector =
  (deps: IncidentDeps & ChangeDeps & { config: ConfigSource }): Projector =>
  async (subject, turn) => {
    const { response } = await deps.config.current();
    if (subject.startsWith('incident:')) return tellIncident(deps, response.webhooks, subject, turn);
    if (response.pagerduty.changeEvents) return tellChange(deps, subject, turn);
  };
