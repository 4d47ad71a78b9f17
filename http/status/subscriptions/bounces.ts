import type { Context } from 'hono';
import { stopFailing } from '../../../actions/status/subscriptions/stop-failing.ts';
import type { SubscriptionDeps } from '../../../actions/status/subscriptions/subscribe.ts';
import { mailFailuresIn, readSnsMessage, snsUrl } from '../../../integrations/sns/message.ts';
import type { Env } from '../../context.ts';
import { readBody } from '../../middleware/body.ts';
import { problem } from '../../problem.ts';

/** Messages of SNS have at most 256 KB. */
const BODY_MAX_BYTES = 260 * 1024;
const TIMEOUT_MS = 5000;
const CERTIFICATE_MAX_CHARS = 20_000;

/** Reads the text at a URL of Amazon SNS. */
export type ReadSns = (url: string) => Promise<string>;

/** Certificates by URL: their names contain a hash. */
const cache = new Map<string, string>();

export async function readAtSns(url: string): Promise<string> {
  const known = cache.get(url);
  if (known !== undefined) return known;
  const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  const text = (await answer.text()).slice(0, CERTIFICATE_MAX_CHARS);
  if (!answer.ok) throw new Error(`Amazon SNS answered ${answer.status}`);
  if (url.endsWith('.pem')) cache.set(url, text);
  return text;
}

/** Answers Amazon SNS, which forwards what Amazon SES says about bounces and complaints. It repeats what fails with a 5xx. */
export async function bounces(deps: SubscriptionDeps, read: ReadSns, c: Context<Env>): Promise<Response> {
  const topics = (await deps.config.current()).statusPage.bounceTopics;
  if (topics.length === 0) return problem(c, 404, 'not-found', 'the configuration has no bounceTopics');
  const result = await readSnsMessage(jsonIn(await readBody(c, BODY_MAX_BYTES)), {
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

function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch {
    return undefined;
  }
}
