import * as z from 'zod';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { Clock } from '../../core/domain/ports/system.ts';
import { attemptClient } from '../shared/client.ts';
import type { HttpResponse } from '../shared/http.ts';
import { ATTEMPT_TIMEOUT_MS } from './limits.ts';

export type RestOptions = {
  /** `https://api.pagerduty.com`, or the URL of another service region. */
  apiUrl: () => Promise<string>;
  /** An API key of the account or of a user. */
  token: () => Promise<string | undefined>;
  /** The email address of the user in whose name notes are written. Not needed with a user's API key. */
  from: () => Promise<string | undefined>;
  clock: Clock;
  /** Milliseconds for an attempt. Defaults to the limit for projectors. */
  timeoutMs?: number;
};

export type Rest = {
  get<T>(path: string, query: readonly [string, string][], schema: z.ZodType<T>): Promise<VendorResponse<T>>;
  post<T>(path: string, body: object, schema: z.ZodType<T>): Promise<VendorResponse<T>>;
};

/** Maximum bytes of a response. The details of one alert can have 512 KB, and one page of results lists many alerts. */
const BODY_MAX_BYTES = 16 * 1024 * 1024;

/**
 * Opens PagerDuty's REST API for one attempt. All its calls share one time limit and run one after the other, as
 * PagerDuty recommends. Doesn't use `@pagerduty/pdjs`, which drops the rate limit headers.
 * @see https://developer.pagerduty.com/docs/rest-api-overview
 */
export function openRest({ apiUrl, token, from, clock, timeoutMs = ATTEMPT_TIMEOUT_MS }: RestOptions): Rest {
  const client = attemptClient({
    vendor: 'PagerDuty',
    clock,
    async access() {
      const [secret, author] = [await token(), await from()];
      if (!secret) return { kind: 'off', detail: 'following PagerDuty is off: PAGERDUTY_API_TOKEN is not set' };
      if (author && !/^[^@\s]+@[^@\s]+$/.test(author))
        return { kind: 'refused', code: 'bad_from', detail: 'PAGERDUTY_FROM is not an email address' };
      const headers = {
        accept: 'application/vnd.pagerduty+json;version=2',
        authorization: `Token token=${secret}`,
      };
      return { url: await apiUrl(), headers };
    },
    timeoutMs,
    maxBytes: BODY_MAX_BYTES,
    rateLimitSeconds: limited,
    errorBody: Errors,
  });
  return {
    get: (path, query, schema) => {
      const pathAndQuery = query.length === 0 ? path : `${path}?${new URLSearchParams([...query]).toString()}`;
      return client({ method: 'GET', path: pathAndQuery, schema });
    },
    async post(path, body, schema) {
      const author = await from();
      const response = await client({
        method: 'POST',
        path,
        body,
        schema,
        ...(author && { headers: { from: author } }),
      });
      return response.kind === 'refused' && response.code === 'bad_request' && !author
        ? { ...response, detail: `${response.detail}. ${FROM_MISSING}` }
        : response;
    },
  };
}

const FROM_MISSING =
  'PAGERDUTY_FROM is not set: an API key of the account requires the email address of a PagerDuty user in it';

/**
 * Returns the seconds to wait. PagerDuty has its own header for the end of a rate limit; an intermediary can send the
 * standard one.
 */
function limited({ status, headers }: HttpResponse, retryAfter: number | null): number | null | undefined {
  if (status !== 429) return undefined;
  const reset = headers.get('ratelimit-reset');
  return reset !== null && /^\d+$/.test(reset) ? Number(reset) : retryAfter;
}

/** An error body. A 401 has a plain text body, and an intermediary can send anything. */
const Errors = z
  .object({ error: z.object({ message: z.string().nullish(), errors: z.array(z.string()).nullish() }) })
  .transform(({ error }) => [error.message, ...(error.errors ?? [])].filter(Boolean).join('; ') || undefined);
