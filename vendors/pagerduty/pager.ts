import { api } from '@pagerduty/pdjs';
import { withoutTrailingSlash } from '../shared/client.ts';
import type { Attempt } from '../../core/domain/ports/common.ts';
import type { Pager, PageRequest } from '../../core/domain/ports/paging.ts';
import type { Clock } from '../../core/domain/ports/system.ts';
import { outgoing } from '../../core/domain/redaction/outgoing.ts';
import type { Severity } from '../../schemas/config/names.ts';
import { truncate } from '../shared/text.ts';
import {
  ATTEMPT_TIMEOUT_MS,
  DEDUP_KEY_MAX_CHARS,
  EVENT_MAX_BYTES,
  ROUTING_KEY_CHARS,
  SUMMARY_MAX_CHARS,
} from './limits.ts';

const SEVERITIES: Record<Severity, string> = { critical: 'critical', warning: 'warning', info: 'info' };

/**
 * Creates a pager that uses PagerDuty's Events API v2. A repeat with the same key is logged on the open alert and does
 * not page.
 */
export const pagerDuty = (options: {
  eventsUrl: string;
  routingKey: () => Promise<string | undefined>;
  clock: Clock;
}): Pager => ({
  async send(request) {
    const routingKey = await options.routingKey();
    if (!routingKey) return { kind: 'off', detail: 'PagerDuty is off: PAGERDUTY_ROUTING_KEY is not set' };
    if (routingKey.length !== ROUTING_KEY_CHARS)
      return {
        kind: 'refused',
        detail: `PAGERDUTY_ROUTING_KEY has ${routingKey.length} characters; an integration key has ${ROUTING_KEY_CHARS}`,
      };
    const sent = await post(
      `${withoutTrailingSlash(options.eventsUrl)}/v2/enqueue`,
      eventThatFits(outgoing(request), routingKey),
    );
    return 'error' in sent ? later(sent.error) : resultOf(sent.status, sent.body);
  },
});

/**
 * Returns the event without the parts that would make it too large, removing the least important first. PagerDuty
 * refuses an event that is too large, so no page would be sent.
 */
function eventThatFits(request: PageRequest, routingKey: string): object {
  const { images: _images, ...withoutImages } = request;
  const { details: _details, ...minimal } = { ...withoutImages, links: [] };
  const events = [request, withoutImages, { ...withoutImages, links: [] }, minimal].map((reduced) =>
    eventOf(reduced, routingKey),
  );
  return (
    events.find((event) => Buffer.byteLength(JSON.stringify(event)) <= EVENT_MAX_BYTES) ?? eventOf(minimal, routingKey)
  );
}

function eventOf(request: PageRequest, routing_key: string): object {
  const dedup_key = request.key.slice(0, DEDUP_KEY_MAX_CHARS);
  if (request.action === 'acknowledge' || request.action === 'resolve')
    return { routing_key, event_action: request.action, dedup_key };
  return {
    routing_key,
    event_action: 'trigger',
    dedup_key,
    client: 'Firebreak',
    links: request.links,
    ...(request.images?.length && { images: request.images }),
    payload: {
      summary: truncate(request.summary, SUMMARY_MAX_CHARS),
      source: request.service,
      severity: SEVERITIES[request.severity],
      timestamp: request.at,
      component: request.service,
      group: request.environment,
      custom_details: {
        incident: request.incident,
        service: request.service,
        environment: request.environment,
        ...request.details,
      },
    },
  };
}

/** Thrown to prevent the retries of `pdjs`, which repeats a 429 three times. The workflow waits and retries instead. */
class RetryPrevented extends Error {
  override readonly name = 'RetryPrevented';
}

/**
 * Sends one request through the vendor's client. Uses its `api`, which accepts a full URL, because its `event` doesn't.
 * Uses an abort signal, because its `requestTimeout` aborts nothing. Its agent function, which is called before each
 * request, stops the client's own retries.
 */
async function post(url: string, data: object): Promise<{ status: number; body: unknown } | { error: string }> {
  let requests = 0;
  const once = {
    signal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS),
    redirect: 'manual' as const,
    agent: () => {
      requests += 1;
      if (requests > 1) throw new RetryPrevented('only one attempt');
      return undefined;
    },
  };
  try {
    const parameters = {
      url,
      method: 'POST',
      data,
      token: '',
      headers: { Authorization: '' },
      retryTimeout: 0,
      requestTimeout: 0,
      ...once,
    };
    const answer = await api(parameters);
    return 'response' in answer
      ? { status: answer.response.status, body: answer.data }
      : { error: 'no request was made' };
  } catch (error) {
    if (error instanceof RetryPrevented) return { status: 429, body: undefined };
    // For a response that is not JSON, the client throws the response itself.
    if (isResponse(error)) return { status: error.status, body: undefined };
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

const isResponse = (value: unknown): value is { status: number } =>
  typeof value === 'object' && value !== null && 'status' in value && typeof value.status === 'number';

function resultOf(status: number, body: unknown): Attempt {
  const detail = `PagerDuty answered ${status}${errorText(body)}`;
  // PagerDuty responds with 202. A 200 without its body can come from an intermediary, such as a proxy's login page.
  if (status === 202 || (status === 200 && isSuccess(body))) return { kind: 'taken', detail };
  if (status === 429 || status >= 500 || status === 408) return later(detail);
  return { kind: 'refused', detail };
}

const isSuccess = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && 'status' in body && body.status === 'success';

/** PagerDuty documents no Retry-After and recommends waiting about 30 s; the workflow's back-off does so. */
const later = (detail: string): Attempt => ({ kind: 'later', detail, afterSeconds: null });

function errorText(body: unknown): string {
  if (typeof body !== 'object' || body === null || !('errors' in body) || !Array.isArray(body.errors)) return '';
  return `: ${truncate(body.errors.join('; '), 300)}`;
}
