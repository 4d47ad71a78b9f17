import * as z from 'zod';
import type { Context } from 'hono';
import type { ApiDeps } from '../deps.ts';
import { pagerDutySignature, readEvent } from '../../../vendors/pagerduty/webhook.ts';
import { truncate } from '../../../vendors/shared/text.ts';
import { incidentOf, type PagerDutyEvent } from '../../../schemas/messages/pagerduty.ts';
import type { Env } from '../context.ts';
import { type Api, answers, createRoute, endpoint, problems } from '../endpoint.ts';
import { enqueueEvent } from '../../../core/actions/paging/enqueue-event.ts';
import { ignoredEvents } from './ignored-events.ts';
import { signedBody } from './received-body.ts';

type PagerDutyDeps = Pick<ApiDeps, 'clock' | 'counters' | 'inbound' | 'quarantine' | 'secrets'>;

const PATH = '/integrations/pagerduty/webhook';

/** Far above the size of PagerDuty's webhooks, because PagerDuty drops a refused webhook. */
const BODY_MAX_BYTES = 1024 * 1024;

const Answer = z
  .object({
    /** The type of an event that Firebreak ignores. */
    ignored: z.string().optional(),
    /** The ID in quarantine of a payload that could not be parsed. */
    quarantined: z.string().optional(),
    /** The ID of an event that is queued for processing. */
    event: z.string().optional(),
  })
  .meta({ id: 'PagerDutyWebhook' });

/**
 * Registers the receiver for signed PagerDuty v3 webhooks. A signed webhook never gets a 4xx response, whatever its
 * content: PagerDuty drops a refused webhook, and disables the subscription for a day after three in a row. If the
 * event cannot be queued, the response is 503, and PagerDuty retries for two days.
 *
 * @see https://developer.pagerduty.com/docs/webhooks-overview
 */
export function pagerDutyRoutes(app: Api, deps: PagerDutyDeps): void {
  const countIgnored = ignoredEvents(deps);
  endpoint(
    app,
    deps,
    'receiver',
    createRoute({
      method: 'post',
      path: PATH,
      tags: ['integrations'],
      summary: 'Receive PagerDuty v3 webhooks, signed with PAGERDUTY_WEBHOOK_SECRET',
      responses: {
        202: answers('Accepted, ignored, or kept in quarantine because it could not be parsed', Answer),
        413: problems('Larger than 1 MiB'),
      },
    }),
    async (c) => {
      const body = await signedBody(c, deps, pagerDutySignature, BODY_MAX_BYTES);
      const read = readEvent(body);
      if ('ignored' in read) {
        await countIgnored('pagerduty:signature', read);
        return c.json({ ignored: read.ignored }, 202);
      }
      if ('unreadable' in read)
        return c.json({ quarantined: await quarantinePayload(c, deps, body, read.unreadable) }, 202);
      return c.json({ event: await queueEvent(c, deps, read.event) }, 202);
    },
  );
}

async function quarantinePayload(
  c: Context<Env>,
  { quarantine }: PagerDutyDeps,
  body: Uint8Array,
  detail: string,
): Promise<string> {
  c.var.log.warn('a PagerDuty webhook could not be parsed', { detail, subscription: subscriptionOf(c) });
  const contentType = c.req.header('content-type') ?? '';
  return quarantine.keep({
    source: 'pagerduty',
    sender: 'pagerduty',
    receiver: PATH,
    body,
    contentType,
    status: 202,
    detail,
  });
}

/** Queues the event, and returns its ID. */
async function queueEvent(c: Context<Env>, deps: PagerDutyDeps, event: PagerDutyEvent): Promise<string> {
  await enqueueEvent(deps, event, { webhook: c.req.header('x-webhook-id') ?? '', trace: c.var.trace });
  const { id, event_type: type } = event;
  c.var.log.debug('a PagerDuty event was accepted', { event: id, type, pagerduty: incidentOf(event).id });
  return id;
}

const subscriptionOf = (c: Context<Env>): string => truncate(c.req.header('x-webhook-subscription') ?? '', 64);
