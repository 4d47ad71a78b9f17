import { z } from 'zod';
import type { Told } from '../../domain/outlets.ts';
import type { Clock } from '../../domain/ports.ts';
import { millisOf } from '../../schemas/time.ts';
import { type Answer, call, json, NoAnswer, retryAfterSeconds } from '../http.ts';
import { truncate } from '../text.ts';
import { ATTEMPT_TIMEOUT_MS } from './limits.ts';

export type RestOptions = {
  /** `https://api.pagerduty.com`, or that of another region. */
  apiUrl: string;
  /** An API key of the account or of a user. */
  token: () => Promise<string | undefined>;
  /** The e-mail address of the user in whose name is written. A user's own key does without. */
  from: () => Promise<string | undefined>;
  clock: Clock;
};

/** What kept a call from being done. */
type Failed = Exclude<Told<never>, { kind: 'done' }>;

export type Rest = {
  get<T>(path: string, query: readonly [string, string][], schema: z.ZodType<T>): Promise<Told<T>>;
  /** @param body sent as JSON */
  post(path: string, body: object): Promise<Told<null>>;
};

/** An alert's details are at most 512 KB, and a page of them can be large. */
const BODY_MAX_BYTES = 16 * 1024 * 1024;

/**
 * PagerDuty's REST API for one attempt: all its calls together have the time of one, one after the other as PagerDuty
 * asks for. Not through `@pagerduty/pdjs`, which throws away the headers that say how long a rate limit lasts.
 * @see https://developer.pagerduty.com/docs/rest-api-overview
 */
export async function openRest(options: RestOptions): Promise<Rest | Failed> {
  const token = await options.token();
  const from = await options.from();
  if (!token) return { kind: 'off', detail: 'following PagerDuty is off: PAGERDUTY_API_TOKEN is not set' };
  const base = options.apiUrl.replace(/\/+$/, '');
  const fault = settingFault(base, token, from);
  if (fault !== undefined) return fault;
  const until = performance.now() + ATTEMPT_TIMEOUT_MS;
  const headers = { accept: 'application/vnd.pagerduty+json;version=2', authorization: `Token token=${token}` };
  const send = async (
    method: 'GET' | 'POST',
    path: string,
    more: { headers?: Record<string, string>; body?: string } = {},
  ): Promise<Answer | NoAnswer> => {
    const timeoutMs = Math.floor(until - performance.now());
    if (timeoutMs <= 0) return new NoAnswer(`PagerDuty took more than ${ATTEMPT_TIMEOUT_MS / 1000} s`);
    const init = { method, timeoutMs, maxBytes: BODY_MAX_BYTES, ...more, headers: { ...headers, ...more.headers } };
    return call(`${base}${path}`, init).catch(unanswered);
  };

  return {
    async get(path, query, schema) {
      const asked = query.length === 0 ? path : `${path}?${new URLSearchParams([...query]).toString()}`;
      const answer = await send('GET', asked);
      if (answer instanceof NoAnswer) return { kind: 'later', detail: answer.message, afterSeconds: null };
      return failure(answer, options.clock) ?? read(answer, schema);
    },
    async post(path, body) {
      const answer = await send('POST', path, {
        headers: { 'content-type': 'application/json', ...(from ? { from } : {}) },
        body: JSON.stringify(body),
      });
      if (answer instanceof NoAnswer) return { kind: 'unclear', detail: answer.message };
      const failed = failure(answer, options.clock);
      if (failed === undefined) return { kind: 'done', value: null };
      // A fault may have come after the effect; a rate limit comes before it.
      if (failed.kind === 'later' && answer.status !== 429) return { kind: 'unclear', detail: failed.detail };
      return failed.kind === 'refused' && answer.status === 400 && !from
        ? { ...failed, detail: `${failed.detail}. ${FROM_MISSING}` }
        : failed;
    },
  };
}

const FROM_MISSING =
  "PAGERDUTY_FROM is not set: with an API key of the account it has to be the e-mail address of one of PagerDuty's users";

/** What could not be sent is told here; else it would look like a vendor that does not answer. */
function settingFault(url: string, token: string, from: string | undefined): Failed | undefined {
  if (!URL.canParse(url)) return { kind: 'refused', code: 'bad_url', detail: 'PAGERDUTY_API_URL is not a URL' };
  if (!/^[!-~]+$/.test(token))
    return { kind: 'refused', code: 'bad_token', detail: 'PAGERDUTY_API_TOKEN holds characters that no API key has' };
  if (from && !/^[!-?A-~]+@[!-?A-~]+$/.test(from))
    return { kind: 'refused', code: 'bad_from', detail: 'PAGERDUTY_FROM is not an e-mail address' };
  return undefined;
}

const unanswered = (error: unknown): NoAnswer => {
  if (error instanceof NoAnswer) return error;
  throw error;
};

const CODES: Readonly<Record<number, string>> = { 401: 'unauthorized', 403: 'forbidden', 404: 'not_found' };

const Fault = z.object({
  error: z.object({
    message: z.string().nullish(),
    code: z.union([z.number(), z.string()]).nullish(),
    errors: z.array(z.string()).nullish(),
  }),
});

/** Why this answer is not the one that was asked for; undefined for a 2xx. */
function failure({ status, headers, text }: Answer, clock: Clock): Failed | undefined {
  if (status >= 200 && status < 300) return undefined;
  const fault = Fault.safeParse(json(text)).data?.error; // a 401 is plain text, and what stands in between says anything
  const said = [fault?.message, ...(fault?.errors ?? [])].filter(Boolean).join('; ');
  const detail = `PagerDuty answered ${status}${said === '' ? '' : `: ${truncate(said, 300)}`}`;
  if (status === 429 || status === 408 || status >= 500)
    return { kind: 'later', detail, afterSeconds: resetSeconds(headers, millisOf(clock.now())) };
  return { kind: 'refused', code: CODES[status] ?? String(fault?.code ?? `http_${status}`), detail };
}

/** PagerDuty's own header for the end of a rate limit; what stands before it may send the usual one. */
function resetSeconds(headers: Headers, now: number): number | null {
  const reset = headers.get('ratelimit-reset');
  return reset !== null && /^\d+$/.test(reset) ? Number(reset) : retryAfterSeconds(headers, now);
}

function read<T>({ status, text }: Answer, schema: z.ZodType<T>): Told<T> {
  const parsed = schema.safeParse(json(text));
  return parsed.success
    ? { kind: 'done', value: parsed.data }
    : { kind: 'refused', code: 'unreadable', detail: `PagerDuty answered ${status} with what its API does not say` };
}
