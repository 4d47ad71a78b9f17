import * as z from 'zod';
import type { Told } from '../../domain/outlets.ts';
import type { Clock } from '../../domain/ports.ts';
import { publicUrl } from '../../domain/vendors.ts';
import { Repository } from '../../schemas/deployers.ts';
import { millisOf } from '../../schemas/time.ts';
import { type Answer, json, retryAfterSeconds } from '../http.ts';
import { type Question, tell, withoutSlash } from '../told.ts';
import { API_VERSION, LIMITED_SECONDS, LIST_MAX_BYTES } from './limits.ts';

export type GithubOptions = {
  /** `https://api.github.com`, or that of an Enterprise Server with `/api/v3`. The token goes nowhere else. */
  apiUrl: string;
  /** @throws NoToken */
  token: () => Promise<string | undefined>;
  clock: Clock;
};

/** A token that is not there already cannot be had, now or at all. Nothing was called with one. */
export class NoToken extends Error {
  override readonly name = 'NoToken';
  readonly told: Exclude<Told<never>, { kind: 'done' | 'unclear' }>;

  constructor(told: NoToken['told']) {
    super(told.detail);
    this.told = told;
  }
}

type Asked<T> = Pick<Question<T>, 'method' | 'body' | 'schema' | 'timeoutMs'> & {
  /** Below the API's address, with its query. */
  path: string;
};

export const GITHUB_API_URL = publicUrl('GITHUB_API_URL');

/** `owner/name` of what a catalogue calls a repository: that, or its address, with `.git` or without. */
export function repositoryName(text: string): string | undefined {
  const path = text.trim().replace(/^(?:https?:\/\/[^/]+\/|(?:ssh:\/\/)?git@[^/:]+[/:]|github\.com\/)/, '');
  return Repository.safeParse(path.replace(/(?:\.git)?\/*$/, '')).data;
}

/** Of a repository, as `owner/name`. */
export const repositoryPath = (repository: string): string =>
  `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`;

/**
 * One call of GitHub's REST API. `off`: there is no token.
 * @see https://docs.github.com/en/rest/using-the-rest-api
 */
export async function ask<T>(options: GithubOptions, { path, ...question }: Asked<T>): Promise<Told<T>> {
  const token = await tokenOf(options);
  if (token instanceof NoToken) return token.told;
  if (!token) return { kind: 'off', detail: 'its token is not set' };
  return tell({
    vendor: 'GitHub',
    url: withoutSlash(options.apiUrl) + path,
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${token}`,
      'user-agent': 'firebreak',
      'x-github-api-version': API_VERSION,
    },
    maxBytes: LIST_MAX_BYTES,
    limited: (answer) => limitedFor(answer, options.clock),
    words,
    ...question,
  });
}

async function tokenOf({ token }: GithubOptions): Promise<string | undefined | NoToken> {
  try {
    return await token();
  } catch (error) {
    if (error instanceof NoToken) return error;
    throw error;
  }
}

/**
 * Both limits come as 403 or 429: the primary one has nothing remaining until a time, of a secondary one only its words
 * are sure. Other 403s are for somebody to set right.
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
function limitedFor({ status, headers, text }: Answer, clock: Clock): number | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const now = millisOf(clock.now());
  const asked = retryAfterSeconds(headers, now);
  if (asked !== null) return asked;
  const reset = Number(headers.get('x-ratelimit-reset') ?? Number.NaN);
  if (headers.get('x-ratelimit-remaining') === '0' && Number.isFinite(reset)) return Math.max(0, reset - now / 1000);
  return status === 429 || /rate limit/i.test(words(json(text)) ?? '') ? LIMITED_SECONDS : undefined;
}

/** Of a 422, what is wrong stands in the list. */
const Errors = z.object({
  message: z.string(),
  errors: z
    .array(
      z.union([
        z.string(),
        z.object({ field: z.string().optional(), code: z.string().optional(), message: z.string().optional() }),
      ]),
    )
    .optional(),
});

function words(body: unknown): string | undefined {
  const parsed = Errors.safeParse(body);
  if (!parsed.success) return undefined;
  const { message, errors = [] } = parsed.data;
  const each = errors.map((error) =>
    typeof error === 'string' ? error : [error.field, error.message ?? error.code].filter(Boolean).join(' '),
  );
  return [message, ...each].join('; ');
}
