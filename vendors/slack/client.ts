import type { FetchFunction, WebClient } from '@slack/web-api';
import type { z } from 'zod';
import { loadedOnce } from '../../core/domain/concurrency.ts';
import type { Clock } from '../../core/domain/ports/system.ts';
import { outgoing } from '../../core/domain/redaction/outgoing.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { call, NoResponse, retryAfterSeconds } from '../shared/http.ts';
import { CallFailed, failureOf, UnexpectedStatus, slackCode } from './failures.ts';
import { RESPONSE_MAX_BYTES, CALL_TIMEOUT_MS } from './limits.ts';
import { inputProblemText } from '../../schemas/parsing/input-problems.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/**
 * Calls one method of Slack's Web API and returns its response.
 * @throws CallFailed
 */
export type CallSlack = <S extends z.ZodType>(method: string, args: Arguments, schema: S) => Promise<z.output<S>>;

/** The arguments of a call. Omits undefined values; sends arrays and objects as JSON. */
export type Arguments = Record<string, unknown>;

/** The methods that change nothing or are idempotent, such as joining a channel. */
const REPEATABLE_METHODS = new Set([
  'auth.test',
  'bookmarks.list',
  'conversations.history',
  'conversations.join',
  'conversations.list',
  'conversations.replies',
  'chat.getPermalink',
  'usergroups.users.list',
  'users.info',
  'users.lookupByEmail',
]);

/**
 * Creates a client that neither waits nor retries, because its callers do. It logs nothing. The vendor's library is loaded
 * by the first call.
 */
export function slackClient({
  apiUrl,
  token,
  clock,
  timeoutMs = CALL_TIMEOUT_MS,
}: {
  apiUrl: string;
  token: string;
  clock: Clock;
  timeoutMs?: number;
}): CallSlack {
  const client = loadedOnce(async (): Promise<WebClient> => {
    const { default: slack } = await import('@slack/web-api'); // bundles have only the default of a CommonJS module
    const { LogLevel, WebClient } = slack;
    return new WebClient(token, {
      slackApiUrl: apiUrl,
      allowAbsoluteUrls: false,
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
      fetch: oneRequest(clock, timeoutMs),
      logger: { ...SILENT, getLevel: () => LogLevel.ERROR },
    });
  });
  return async (method, args, schema) => {
    const isRepeatable = REPEATABLE_METHODS.has(method);
    const web = await client();
    const response = await web.apiCall(method, outgoing(args)).catch((error: unknown) => {
      throw new CallFailed(failureOf(error, method, isRepeatable), { cause: error });
    });
    const parsed = schema.safeParse(response);
    if (parsed.success) return parsed.data;
    const issues = inputProblemText(parsed.error);
    const detail = `Slack answered ${method} with something else than it is documented to: ${issues}`;
    throw new CallFailed(isRepeatable ? { kind: 'later', detail, afterSeconds: null } : { kind: 'unclear', detail });
  };
}

/**
 * Replaces the client's own request function: adds a time limit for the complete call including the body, doesn't
 * follow redirects, and treats a 429 without `Retry-After` as a response.
 */
function oneRequest(clock: Clock, timeoutMs: number): FetchFunction {
  return async (url, init = {}) => {
    const { status, headers, text } = await call(String(url), {
      method: init.method ?? 'POST',
      ...(init.headers === undefined ? {} : { headers: init.headers }),
      ...(typeof init.body === 'string' ? { body: init.body } : {}),
      timeoutMs,
      maxBytes: RESPONSE_MAX_BYTES,
    });
    const body = parseJson(text);
    if (status !== 200)
      throw new UnexpectedStatus(status, retryAfterSeconds(headers, millisOf(clock.now())), slackCode(body));
    if (typeof body !== 'object' || body === null)
      throw new NoResponse('a response with status 200 that is not a JSON object');
    return new Response(text, { status, headers });
  };
}

const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  setLevel: () => undefined,
  setName: () => undefined,
};
