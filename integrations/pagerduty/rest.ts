import * as z from 'zod';
import type { Told } from '../../domain/outlets.ts';
import type { Clock } from '../../domain/ports.ts';
import { millisOf } from '../../schemas/time.ts';
import { type Answer, retryAfterSeconds } from '../http.ts';
import { type Question, tell, withoutSlash } from '../told.ts';
import { ATTEMPT_TIMEOUT_MS } from './limits.ts';

export type RestOptions = {
  /** `https://api.pagerduty.com`, or that of another region. */
  apiUrl: string;
  /** An API key of the account or of a user. */
  token: () => Promise<string | undefined>;
  /** The e-mail address of the user in whose name is written. A user's own key does without. */
  from: () => Promise<string | undefined>;
  clock: Clock;
  /** Of an attempt. Absent: as projectors wait. */
  timeoutMs?: number;
};

/** What kept a call from being done. */
type Failed = Exclude<Told<never>, { kind: 'done' }>;

export type Rest = {
  get<T>(path: string, query: readonly [string, string][], schema: z.ZodType<T>): Promise<Told<T>>;
  post<T>(path: string, body: object, schema: z.ZodType<T>): Promise<Told<T>>;
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
  if (from && !/^[^@\s]+@[^@\s]+$/.test(from))
    return { kind: 'refused', code: 'bad_from', detail: 'PAGERDUTY_FROM is not an e-mail address' };

  const patience = options.timeoutMs ?? ATTEMPT_TIMEOUT_MS;
  const until = performance.now() + patience;
  const ask = async <T>(question: Pick<Question<T>, 'method' | 'url' | 'body' | 'schema'>): Promise<Told<T>> => {
    const timeoutMs = Math.floor(until - performance.now());
    // Nothing has been sent, so it was certainly not done.
    if (timeoutMs <= 0) return { kind: 'later', detail: `PagerDuty took ${patience} ms`, afterSeconds: null };
    return tell({
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
  "PAGERDUTY_FROM is not set: with an API key of the account it has to be the e-mail address of one of PagerDuty's users";

/** PagerDuty tells the end of a rate limit by a header of its own; what stands before it may send the usual one. */
function limited({ status, headers }: Answer, clock: Clock): number | null | undefined {
  if (status !== 429) return undefined;
  const reset = headers.get('ratelimit-reset');
  return reset !== null && /^\d+$/.test(reset) ? Number(reset) : retryAfterSeconds(headers, millisOf(clock.now()));
}

const Fault = z.object({
  error: z.object({ message: z.string().nullish(), errors: z.array(z.string()).nullish() }),
});

/** A 401 is plain text, and what stands in between says anything. */
function words(body: unknown): string | undefined {
  const fault = Fault.safeParse(body).data?.error;
  const said = [fault?.message, ...(fault?.errors ?? [])].filter(Boolean).join('; ');
  return said === '' ? undefined : said;
}
