import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { timestamp } from '../../../schemas/time/time.ts';
import type { Alert, Alerts } from './alerts.ts';
import type { User } from './directory.ts';
import { incidentId, webhookIncident } from './objects.ts';
import type { UserActionDeps } from '../core/stand-in.ts';

/**
 * Milliseconds that PagerDuty waits for a response.
 *
 * @see https://developer.pagerduty.com/docs/webhooks-behavior (read 2026-11)
 */
const RESPONSE_MAX_MS = 5_000;

/** Delays of the retries. PagerDuty retries for two days; the stand-in retries a few times, and not after a restart. */
const RETRY_DELAYS_SECONDS = [1, 5, 30, 60] as const;

/** One event; `type` is its `event_type`. `by` is null if no person caused it. */
export type WebhookEvent = { type: string; by: User | null; data: object };

/** The product's response to a delivery. `status` is null if there was none. */
export type Delivery = { id: string; event_type: string; status: number | null };

export type Webhooks = {
  /** Sends an event to the product. Resolves after the first attempt. Null if the product does not receive webhooks. */
  notify(alert: Alert, event: WebhookEvent): Promise<Delivery | null>;
};

/**
 * Opens the sender of webhooks v3. It sends one webhook at a time for each incident; the first one reports that the
 * incident was opened.
 */
export function openWebhooks(
  { product, now, timeScale, closing, url, transaction }: UserActionDeps,
  alerts: Alerts,
): Webhooks {
  const triggered = new Set<number>();
  const deliver = async (event: WebhookEvent): Promise<Delivery | null> => {
    const to = product();
    const secrets = to?.pagerDutyWebhookSecret;
    if (to === undefined || secrets === undefined) return null;
    const body = JSON.stringify({ event: eventJson(event, now()) });
    const id = randomUUID();
    const attempt = () => send(`${to.url}/integrations/pagerduty/webhook`, { id, body, secrets, closing });
    const status = await attempt();
    if (shouldRetry(status)) void redeliver(attempt, { timeScale, closing });
    return { id, event_type: event.type, status };
  };
  return {
    async notify(alert, event) {
      if (!triggered.has(alert.id)) {
        triggered.add(alert.id);
        const data = await transaction(() => webhookIncident(url, alert, alerts));
        await deliver({ type: 'incident.triggered', by: null, data: { ...data, status: 'triggered' } });
      }
      return deliver(event);
    },
  };
}

type Request = { id: string; body: string; secrets: string; closing: AbortSignal };

async function send(url: string, { id, body, secrets, closing }: Request): Promise<number | null> {
  const signatures = secrets
    .split(',')
    .map((secret) => `v1=${createHmac('sha256', secret.trim()).update(body).digest('hex')}`);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        'user-agent': 'PagerDuty-Webhook/V3.0',
        'x-pagerduty-signature': signatures.join(','),
        'x-webhook-id': id,
        'x-webhook-subscription': 'PSANDBOX',
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([closing, AbortSignal.timeout(RESPONSE_MAX_MS)]),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return null;
  }
}

const shouldRetry = (status: number | null): boolean => status === null || status === 429 || status >= 500;

async function redeliver(
  attempt: () => Promise<number | null>,
  { timeScale, closing }: Pick<UserActionDeps, 'timeScale' | 'closing'>,
): Promise<void> {
  for (const seconds of RETRY_DELAYS_SECONDS) {
    const isClosing = await sleep((seconds * 1000) / timeScale, false, { signal: closing, ref: false }).catch(
      () => true,
    );
    if (isClosing || !shouldRetry(await attempt())) return;
  }
}

const eventJson = ({ type, by, data }: WebhookEvent, at: number) => ({
  id: `01${randomUUID().replaceAll('-', '').slice(0, 24).toUpperCase()}`,
  event_type: type,
  resource_type: 'incident',
  occurred_at: timestamp(at),
  agent: by === null ? null : userReference(by),
  client: null,
  data,
});

const userReference = ({ id, name }: User) => ({ id, type: 'user_reference', summary: name });

/** Returns the reference to an incident in events about it. */
export const incidentReference = (alert: Alert) => ({
  id: incidentId(alert.id),
  type: 'incident_reference',
  summary: alert.summary,
});
