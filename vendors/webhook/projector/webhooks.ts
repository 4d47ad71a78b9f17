import type { ConfigSource } from '../../../core/domain/ports/config.ts';
import { type IncidentDeps, sendIncident } from './incident.ts';
import type { Projector } from '../../../core/projectors/sync.ts';
import * as z from 'zod';
import { type ChangeEvents, changeEvent } from '../../../core/domain/paging/pagerduty/change-event.ts';
import type { Changes } from '../../../core/domain/ports/changes.ts';
import { idOf, type Projections } from '../../../core/domain/incidents/projections.ts';
import { ChangeId } from '../../../schemas/config/names.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import type { Method, SyncSession } from '../../../core/projectors/session.ts';

/** Returns the projector for webhook receivers of incidents, and for change events at PagerDuty. */
export const webhooksProjector =
  (deps: IncidentDeps & ChangeDeps & { config: ConfigSource }): Projector =>
  async (subject, session) => {
    const { response } = await deps.config.current();
    if (subject.startsWith('incident:')) return sendIncident(deps, response.webhooks, subject, session);
    if (subject.startsWith('change:') && response.pagerduty.changeEvents) return sendChange(deps, subject, session);
  };

/**
 * Rate limit. PagerDuty accepts 120 events a minute for one routing key, including pages.
 * @see https://developer.pagerduty.com/docs/events-api-v2-overview (Events API Rate Limits; read 2026-11)
 */
const CHANGE_EVENTS: Method = {
  name: 'pagerduty changes',
  allowances: { 'pagerduty changes': { perSecond: 0.5, burst: 30 } },
};

/** Statuses of a change that were sent to PagerDuty. */
const ChangeEventState = z.object({ sent: z.array(z.string()).default([]) });

type ChangeDeps = { changeEvents: ChangeEvents; projections: Projections; changes: Pick<Changes, 'get'> };

/** Sends each status of a change once, or twice if the first outcome is unclear. */
async function sendChange(
  { changeEvents, projections, changes }: ChangeDeps,
  subject: Subject,
  session: SyncSession,
): Promise<void> {
  const change = await changes.get(ChangeId.parse(idOf(subject)));
  if (change === undefined) return;
  const { sent } = ChangeEventState.parse((await projections.read('webhooks', subject)) ?? {});
  const event = changeEvent(change, session.now());
  if (event === undefined || sent.includes(change.status)) return;
  const response = await session.attempt(CHANGE_EVENTS, () => changeEvents.send(event));
  if (response === undefined || response.kind === 'later' || response.kind === 'unclear') return;
  if (response.kind !== 'done')
    session.log.warn('a change event could not be sent to PagerDuty', { detail: response.detail });
  if (response.kind === 'refused') return session.scheduleRetryAfterRefusal(event.at);
  if (response.kind === 'done') await projections.write('webhooks', subject, { sent: [...sent, change.status] });
}
