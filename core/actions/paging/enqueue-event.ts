import type { Deps } from '../../domain/ports/deps.ts';
import { incidentOf, type PagerDutyEvent } from '../../../schemas/messages/pagerduty.ts';

/** Format of a webhook ID. PagerDuty uses UUIDs. */
const WEBHOOK_ID = /^[\w-]{1,128}$/;

/** Queues an event of PagerDuty, in order per PagerDuty incident and once per webhook. */
export async function enqueueEvent(
  { inbound, clock }: Pick<Deps, 'inbound' | 'clock'>,
  event: PagerDutyEvent,
  { webhook, trace }: { webhook: string; trace: string },
): Promise<void> {
  const key = `pagerduty:${WEBHOOK_ID.test(webhook) ? webhook : event.id}`;
  await inbound.send({ from: 'pagerduty', key, at: clock.now(), trace, event }, `pagerduty:${incidentOf(event).id}`);
}
