import { createHmac } from 'node:crypto';
import type { ProductResponse, Outgoing } from './deliveries.ts';
import { RESPONSE_MAX_MS } from './limits.ts';

/** The product's URL for requests from Slack, and their signing secret. */
export type Listener = { url: string; signingSecret: string };

/** The parameters of an attempt besides the signature. */
export type Attempt = {
  /** Milliseconds since the Unix epoch. */
  at: number;
  /** For a retry: its number and reason. */
  retry?: { number: number; reason: string };
  /** Aborts the wait for a response. */
  signal: AbortSignal;
};

/**
 * Returns the signature of a request over its raw body.
 *
 * @param seconds seconds since the Unix epoch, as in `X-Slack-Request-Timestamp`
 * @see https://docs.slack.dev/authentication/verifying-requests-from-slack (read 2026-11)
 */
export const signatureOf = (secret: string, seconds: number, body: string): string =>
  `v0=${createHmac('sha256', secret).update(`v0:${seconds}:${body}`).digest('hex')}`;

/** Sends one request with Slack's headers and time-out. */
export async function send(
  listener: Listener,
  outgoing: Outgoing,
  { at, retry, signal }: Attempt,
): Promise<ProductResponse> {
  const seconds = Math.floor(at / 1000);
  try {
    const response = await fetch(`${listener.url}/integrations/slack/${outgoing.path}`, {
      method: 'POST',
      headers: {
        accept: 'application/json,*/*',
        'content-type': outgoing.contentType,
        'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
        'x-slack-request-timestamp': String(seconds),
        'x-slack-signature': signatureOf(listener.signingSecret, seconds, outgoing.body),
        ...(retry && { 'x-slack-retry-num': String(retry.number), 'x-slack-retry-reason': retry.reason }),
      },
      body: outgoing.body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(RESPONSE_MAX_MS)]),
    });
    const noRetry = response.headers.get('x-slack-no-retry') === '1';
    return { status: response.status, body: await response.text(), error: null, noRetry };
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'TimeoutError';
    return { status: null, body: '', error: isLate ? 'operation_timeout' : 'connection_failed', noRetry: false };
  }
}

/** Returns Slack's reason for sending an event again; `undefined` if it was accepted. */
export function retryReason({ status, error }: { status: number | null; error: string | null }): string | undefined {
  if (error === 'operation_timeout') return 'http_timeout';
  if (status === null) return 'connection_failed';
  return status >= 200 && status < 300 ? undefined : 'http_error';
}
