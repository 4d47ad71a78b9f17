import type { Context } from 'hono';
import { stopFailing } from '../../actions/subscriptions/stop-failing.ts';
import type { SubscriptionDeps } from '../../actions/subscriptions/subscribe.ts';
import { parseJson } from '../../../../vendors/shared/json-body.ts';
import { mailFailuresIn, readSnsMessage, snsUrl } from '../../../../vendors/sns/message.ts';
import type { Env } from '../../../../entrances/http/context.ts';
import { readUnverifiedBody } from '../../../../entrances/http/middleware/body.ts';
import { problem } from '../../../../entrances/http/problem.ts';

/** Messages of SNS have at most 256 KB. */
const BODY_MAX_BYTES = 260 * 1024;
const TIMEOUT_MS = 5000;
const CERTIFICATE_MAX_CHARS = 20_000;

/** Reads the text at a URL of Amazon SNS. */
export type ReadSns = (url: string) => Promise<string>;

/** Certificates by URL. They never change, because their names contain a hash. */
const certificates = new Map<string, string>();

/** Reads a URL of Amazon SNS, and caches certificates. */
export async function readAtSns(url: string): Promise<string> {
  const cached = certificates.get(url);
  if (cached !== undefined) return cached;
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  const text = (await response.text()).slice(0, CERTIFICATE_MAX_CHARS);
  if (!response.ok) throw new Error(`Amazon SNS answered ${response.status}`);
  if (url.endsWith('.pem')) certificates.set(url, text);
  return text;
}

/**
 * Processes messages of Amazon SNS, which forwards the notifications of Amazon SES about bounces and complaints. SNS
 * repeats a message that gets a 5xx response.
 */
export async function receiveBounces(deps: SubscriptionDeps, read: ReadSns, c: Context<Env>): Promise<Response> {
  const topics = (await deps.config.current()).statusPage.bounceTopics;
  if (topics.length === 0) return problem(c, 404, 'not-found', 'the configuration has no bounceTopics');
  const result = await readSnsMessage(parseJson(await readUnverifiedBody(c, BODY_MAX_BYTES))?.value, {
    topics,
    read,
    now: deps.clock.now(),
  });
  if (result.kind === 'refused') return problem(c, 401, 'unauthorized', result.detail);
  if (result.kind === 'unavailable') return problem(c, 503, 'unavailable', result.detail);
  const { message } = result;
  if (message.Type === 'SubscriptionConfirmation') {
    const url = snsUrl(message.SubscribeURL);
    if (url === undefined) return problem(c, 401, 'unauthorized', 'SubscribeURL is not at Amazon SNS');
    await read(url);
    deps.log.info('the topic of Amazon SNS is confirmed', { topic: message.TopicArn });
  }
  if (message.Type === 'Notification') {
    const failures = mailFailuresIn(message.Message);
    if (failures !== null) await stopFailing(deps, failures);
  }
  return c.body(null, 204);
}
