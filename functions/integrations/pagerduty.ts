import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Deps } from '../../domain/ports.ts';
import { truncate } from '../../integrations/text.ts';
import { incidentOf, PagerDutyEvent, PagerDutyPayload, READ_EVENT_TYPES } from '../../schemas/pagerduty.ts';
import { readBody } from '../api/body.ts';
import type { Env } from '../api/context.ts';
import { answers, type Api, endpoint, problems } from '../api/endpoint.ts';
import { Refusal } from '../api/problem.ts';
import { isSignedByPagerDuty } from './pagerduty-signature.ts';

const PATH = '/integrations/pagerduty/webhook';

/** Far more than they send: what is refused, PagerDuty drops. */
const BODY_MAX_BYTES = 4 * 1024 * 1024;

/** An id of theirs is a UUID. */
const WEBHOOK_ID = /^[\w-]{1,128}$/;

const Taken = z
  .object({
    /** The type of an event that means nothing here. */
    ignored: z.string().optional(),
    /** It could not be read, and is kept whole under this id. */
    quarantined: z.string().optional(),
    /** It is on its way to whoever it concerns. */
    event: z.string().optional(),
  })
  .meta({ id: 'PagerDutyWebhook' });

/**
 * Webhooks v3 of PagerDuty, signed. What is right is never answered with 4xx, whatever stands in it: PagerDuty drops what
 * is refused, and after three in a row turns the subscription off for a day. What could not be put into the queue is
 * answered with 503, and comes again for two days.
 *
 * @see https://developer.pagerduty.com/docs/webhooks-overview
 */
export function pagerDutyRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'receiver',
    createRoute({
      method: 'post',
      path: PATH,
      tags: ['integrations'],
      summary: 'Webhooks v3 of PagerDuty, signed with PAGERDUTY_WEBHOOK_SECRET',
      responses: {
        202: answers('Taken, of no interest, or kept because it could not be read', Taken),
        413: problems('Over 4 MiB'),
      },
    }),
    async (c) => {
      const secrets = await deps.secrets.get('PAGERDUTY_WEBHOOK_SECRET');
      const signature = c.req.header('x-pagerduty-signature');
      const body = secrets && signature ? await readBody(c, BODY_MAX_BYTES) : undefined; // the signature covers the bytes
      if (body === undefined || !isSignedByPagerDuty(body, signature, secrets))
        throw new Refusal(
          401,
          'unauthorized',
          'X-PagerDuty-Signature is missing or does not fit, or PAGERDUTY_WEBHOOK_SECRET is not set here',
        );
      const read = readEvent(body);
      if ('ignored' in read) return c.json({ ignored: read.ignored }, 202);
      if ('unreadable' in read) return c.json({ quarantined: await keep(c, deps, body, read.unreadable) }, 202);
      return c.json({ event: await pass(c, deps, read.event) }, 202);
    },
  );
}

type Read = { event: PagerDutyEvent } | { ignored: string } | { unreadable: string };

/** What a webhook says, as far as anything here listens to it. */
export function readEvent(body: Uint8Array): Read {
  const payload = PagerDutyPayload.safeParse(json(body));
  if (!payload.success) return { unreadable: z.prettifyError(payload.error) };
  const type = payload.data.event.event_type;
  if (!READ_EVENT_TYPES.has(type)) return { ignored: truncate(type, 128) };
  const event = PagerDutyEvent.safeParse(payload.data.event);
  return event.success ? { event: event.data } : { unreadable: z.prettifyError(event.error) };
}

function json(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch {
    return undefined;
  }
}

async function keep(c: Context<Env>, { quarantine }: Deps, body: Uint8Array, detail: string): Promise<string> {
  c.var.log.warn('a webhook of PagerDuty could not be read', { detail, subscription: subscriptionOf(c) });
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

/** Gives the event's id. */
async function pass(c: Context<Env>, deps: Deps, event: PagerDutyEvent): Promise<string> {
  await handOn(deps, event, { webhook: c.req.header('x-webhook-id') ?? '', trace: c.var.trace });
  const { id, event_type: type } = event;
  c.var.log.debug('an event of PagerDuty was taken', { event: id, type, pagerduty: incidentOf(event).id });
  return id;
}

/** In order per incident, and once for each webhook. */
export async function handOn(
  { people, clock }: Pick<Deps, 'people' | 'clock'>,
  event: PagerDutyEvent,
  { webhook, trace }: { webhook: string; trace: string },
): Promise<void> {
  const key = `pagerduty:${WEBHOOK_ID.test(webhook) ? webhook : event.id}`;
  await people.send({ from: 'pagerduty', key, at: clock.now(), trace, event }, `pagerduty:${incidentOf(event).id}`);
}

const subscriptionOf = (c: Context<Env>): string => truncate(c.req.header('x-webhook-subscription') ?? '', 64);
