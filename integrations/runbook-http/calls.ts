import type { HttpAnswer, HttpCalls } from '../../domain/ports/runbooks.ts';
import type { Clock, Secrets } from '../../domain/ports/system.ts';
import { type HttpWith, READING_METHODS } from '../../schemas/runbooks/parts/http.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { call, json, orLater, retryAfterSeconds } from '../shared/http.ts';
import { credentialsOf } from '../webhook/credentials.ts';

/** Milliseconds for one attempt: at most a third of the workflow function's timeout. */
const ATTEMPT_TIMEOUT_MS = 15_000;

/**
 * Creates a client for the HTTP calls of runbooks. Each call carries the action's key, so that a receiver can recognize
 * a repeat. Doesn't follow redirects.
 */
export function runbookCalls({ secrets, clock }: { secrets: Secrets; clock: Clock }): HttpCalls {
  return {
    async call(request, key): Promise<HttpAnswer> {
      const body = bodyOf(request);
      const credentials = await credentialsOf(request.auth, { secrets, clock, key, body: body?.text ?? '' });
      if ('refused' in credentials) return { kind: 'refused', detail: credentials.refused };
      const headers = merged(body?.headers ?? {}, request.headers, credentials.headers, { 'idempotency-key': key });
      const wrong = whyNot(request, headers);
      if (wrong !== null) return { kind: 'refused', detail: `${wrong}, so it was not called` };
      const answer = await orLater(
        call(request.url, {
          method: request.method,
          headers,
          ...(body === undefined ? {} : { body: body.text }),
          timeoutMs: ATTEMPT_TIMEOUT_MS,
        }),
      );
      if ('kind' in answer) return { kind: 'later', detail: answer.detail };
      const afterSeconds = retryAfterSeconds(answer.headers, millisOf(clock.now()));
      return { kind: 'answered', status: answer.status, body: json(answer.text) ?? answer.text, afterSeconds };
    },
  };
}

/**
 * Merges headers. Names are case-insensitive, and the last value counts; otherwise both values would be sent as one
 * joined value.
 */
const merged = (...all: Record<string, string>[]): Record<string, string> =>
  Object.fromEntries(all.flatMap((one) => Object.entries(one).map(([name, value]) => [name.toLowerCase(), value])));

/** Returns why a request can't be sent, now or later. */
function whyNot({ method, body }: HttpWith, headers: Record<string, string>): string | null {
  if (body !== undefined && READING_METHODS.has(method)) return `a ${method} request cannot have a body`;
  const [name] = Object.entries(headers).find(([, value]) => !SENDABLE.test(value)) ?? [];
  return name === undefined ? null : `the header ${name} contains a character that is not allowed in headers`;
}

/** The allowed bytes of a header value. `fetch` refuses any other byte on every attempt. */
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/;

function bodyOf({ body }: HttpWith): { text: string; headers: Record<string, string> } | undefined {
  if (body === undefined) return undefined;
  return typeof body === 'string'
    ? { text: body, headers: { 'content-type': 'text/plain; charset=utf-8' } }
    : { text: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
}
