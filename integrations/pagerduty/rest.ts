import * as z from 'zod';
import type { VendorResponse } from '../../domain/messages/channels.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { type Answer, retryAfterSeconds } from '../shared/http.ts';
import { type VendorRequest, request, withoutSlash } from '../shared/request.ts';
import { ATTEMPT_TIMEOUT_MS } from './limits.ts';

export type RestOptions = {
  /** `https://api.pagerduty.com`, or the URL of another service region. */
  apiUrl: string;
  /** An API key of the account or of a user. */
  token: () => Promise<string | undefined>;
  /** The email address of the user in whose name notes are written. Not needed with a user's API key. */
  from: () => Promise<string | undefined>;
  clock: Clock;
  /** Milliseconds for an attempt. Defaults to the limit for projectors. */
  timeoutMs?: number;
};

/** The result of a call that was not done. */
type Failed = Exclude<VendorResponse<never>, { kind: 'done' }>;

export type Rest = {
  get<T>(path: string, query: readonly [string, string][], schema: z.ZodType<T>): Promise<VendorResponse<T>>;
  post<T>(path: string, body: object, schema: z.ZodType<T>): Promise<VendorResponse<T>>;
};

/** Maximum bytes of a body. The details of one alert can have 512 KB, and a page contains many alerts. */
const BODY_MAX_BYTES = 16 * 1024 * 1024;

/**
 * Opens PagerDuty's REST API for one attempt. All its calls share one time limit and run one after the other, as
 * PagerDuty recommends. Doesn't use `@pagerduty/pdjs`, which drops the rate limit headers.
 * @see https://developer.pagerduty.com/docs/rest-api-overview
 */
export async function openRest(options: RestOptions): Promise<Rest | Failed> {
  const token = await options.token();
  const from = await options.from();
  if (!token) return { kind: 'off', detail: 'following PagerDuty is off: PAGERDUTY_API_TOKEN is not set' };
  if (from && !/^[^@\s]+@[^@\s]+$/.test(from))
    return { kind: 'refused', code: 'bad_from', detail: 'PAGERDUTY_FROM is not an email address' };

  const patience = options.timeoutMs ?? ATTEMPT_TIMEOUT_MS;
  const until = performance.now() + patience;
  const ask = async <T>(
    question: Pick<VendorRequest<T>, 'method' | 'url' | 'body' | 'schema'>,
  ): Promise<VendorResponse<T>> => {
    const timeoutMs = Math.floor(until - performance.now());
    // Nothing was sent, so the call had no effect.
    if (timeoutMs <= 0) return { kind: 'later', detail: `PagerDuty took ${patience} ms`, afterSeconds: null };
    return request({
      vendor: 'PagerDuty',
      headers: {
        accept: 'application/vnd.pagerduty+json;version=2',
        authorization: `Token token=${token}`,
        ...(question.method === 'POST' && from ? { from } : {}),
      },
      timeoutMs,
      maxBytes: BODY_MAX_BYTES,
      limited: (answer) => limited(answer, options.clock),
      words,
      ...question,
    });
  };

  const base = withoutSlash(options.apiUrl);
  return {
    get: (path, query, schema) => {
      const asked = query.length === 0 ? path : `${path}?${new URLSearchParams([...query]).toString()}`;
      return ask({ method: 'GET', url: `${base}${asked}`, schema });
    },
    async post(path, body, schema) {
      const answer = await ask({ method: 'POST', url: `${base}${path}`, body, schema });
      return answer.kind === 'refused' && answer.code === 'bad_request' && !from
        ? { ...answer, detail: `${answer.detail}. ${FROM_MISSING}` }
        : answer;
    },
  };
}

const FROM_MISSING =
  'PAGERDUTY_FROM is not set: an API key of the account requires the email address of a PagerDuty user in it';

/**
 * Returns the seconds to wait. PagerDuty has its own header for the end of a rate limit; an intermediary can send the
 * standard one.
 */
function limited({ status, headers }: Answer, clock: Clock): number | null | undefined {
  if (status !== 429) return undefined;
  const reset = headers.get('ratelimit-reset');
  return reset !== null && /^\d+$/.test(reset) ? Number(reset) : retryAfterSeconds(headers, millisOf(clock.now()));
}

const Fault = z.object({
  error: z.object({ message: z.string().nullish(), errors: z.array(z.string()).nullish() }),
});

/** Returns the error message, if any. A 401 has a plain text body, and an intermediary can send anything. */
function words(body: unknown): string | undefined {
  const fault = Fault.safeParse(body).data?.error;
  const said = [fault?.message, ...(fault?.errors ?? [])].filter(Boolean).join('; ');
  return said === '' ? undefined : said;
}
