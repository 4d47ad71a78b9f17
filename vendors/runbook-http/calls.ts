import type { HttpAnswer, HttpCalls } from '../../core/domain/ports/runbooks.ts';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import { type HttpWith, READING_METHODS } from '../../schemas/runbooks/parts/http.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { call, orLater, retryAfterSeconds } from '../shared/http.ts';
import { credentialsOf } from '../webhook/credentials.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

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
      const headers = mergeHeaders(body?.headers ?? {}, request.headers, credentials.headers, {
        'idempotency-key': key,
      });
      const problem = requestProblem(request, headers);
      if (problem !== null) return { kind: 'refused', detail: `${problem}, so it was not called` };
      const response = await orLater(
        call(request.url, {
          method: request.method,
          headers,
          ...(body === undefined ? {} : { body: body.text }),
          timeoutMs: ATTEMPT_TIMEOUT_MS,
        }),
      );
      if ('kind' in response) return { kind: 'later', detail: response.detail };
      const afterSeconds = retryAfterSeconds(response.headers, millisOf(clock.now()));
      return {
        kind: 'answered',
        status: response.status,
        body: parseJson(response.text) ?? response.text,
        afterSeconds,
      };
    },
  };
}

/**
 * Merges headers. Names are case-insensitive, and the last value counts; otherwise both values would be sent as one
 * joined value.
 */
const mergeHeaders = (...headerSets: Record<string, string>[]): Record<string, string> =>
  Object.fromEntries(
    headerSets.flatMap((headers) => Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
  );

/** Returns why a request can't be sent, now or later. */
function requestProblem({ method, body }: HttpWith, headers: Record<string, string>): string | null {
  if (body !== undefined && READING_METHODS.has(method)) return `a ${method} request cannot have a body`;
  const [name] = Object.entries(headers).find(([, value]) => !HEADER_VALUE.test(value)) ?? [];
  return name === undefined ? null : `the header ${name} contains a character that is not allowed in headers`;
}

/** The allowed bytes of a header value. `fetch` refuses any other byte on every attempt. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function bodyOf({ body }: HttpWith): { text: string; headers: Record<string, string> } | undefined {
  if (body === undefined) return undefined;
  return typeof body === 'string'
    ? { text: body, headers: { 'content-type': 'text/plain; charset=utf-8' } }
    : { text: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
}
