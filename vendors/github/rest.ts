import * as z from 'zod';
import type { VendorResponse } from '../../core/domain/messages/channels.ts';
import type { Clock } from '../../core/domain/ports/system.ts';
import { publicUrl } from '../../core/domain/catalogue/vendors.ts';
import { type HttpResponse, parseJson } from '../shared/http.ts';
import { type FailedResponse, type VendorApi, type VendorCall, vendorClient } from '../shared/client.ts';
import { API_VERSION, LIMITED_SECONDS, LIST_MAX_BYTES } from './limits.ts';
import { Repository } from '../../schemas/config/endpoint.ts';

export type GithubOptions = {
  /** `https://api.github.com`, or the URL of an Enterprise Server with `/api/v3`. The token is sent only there. */
  apiUrl: string;
  /** @throws NoToken */
  token: () => Promise<string | undefined>;
  clock: Clock;
};

/** The failure to get a token, temporary or permanent. No call was made with the token. */
export class NoToken extends Error {
  override readonly name = 'NoToken';
  readonly failed: Exclude<FailedResponse, { kind: 'unclear' }>;

  constructor(failed: NoToken['failed']) {
    super(failed.detail);
    this.failed = failed;
  }
}

export const GITHUB_API_URL = publicUrl('GITHUB_API_URL');

/** Returns `owner/name` for a repository in a catalog: `owner/name` itself, or its URL with or without `.git`. */
export function repositoryName(text: string): string | undefined {
  const path = text.trim().replace(/^(?:https?:\/\/[^/]+\/|(?:ssh:\/\/)?git@[^/:]+[/:]|github\.com\/)/, '');
  return Repository.safeParse(path.replace(/(?<!\/)(?:\.git)?\/*$/, '')).data;
}

/** @param repository `owner/name` */
export const repositoryPath = (repository: string): string =>
  `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`;

/**
 * Calls GitHub's REST API once. `off`: no token is configured.
 * @see https://docs.github.com/en/rest/using-the-rest-api
 */
export const request = <T>(
  options: GithubOptions,
  { timeoutMs, ...call }: VendorCall<T> & { timeoutMs: number },
): Promise<VendorResponse<T>> => vendorClient({ ...githubApi(options), timeoutMs })(call);

export const githubApi = (options: GithubOptions): Omit<VendorApi, 'timeoutMs'> => ({
  vendor: 'GitHub',
  clock: options.clock,
  async access() {
    const token = await tokenOf(options);
    if (token instanceof NoToken) return token.failed;
    if (!token) return { kind: 'off', detail: 'its token is not set' };
    const headers = {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${token}`,
      'user-agent': 'firebreak',
      'x-github-api-version': API_VERSION,
    };
    return { url: options.apiUrl, headers };
  },
  maxBytes: LIST_MAX_BYTES,
  rateLimitSeconds: limited,
  errorBody: Errors,
});

async function tokenOf({ token }: GithubOptions): Promise<string | undefined | NoToken> {
  try {
    return await token();
  } catch (error) {
    if (error instanceof NoToken) return error;
    throw error;
  }
}

/**
 * Returns the seconds to wait; undefined if the response is not a rate limit. Both rate limits use 403 or 429. The
 * primary limit has no remaining requests until its reset time; a secondary limit is recognizable only by its message.
 * Other 403 responses need a change of permissions.
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
function limited({ status, headers, text }: HttpResponse, retryAfter: number | null, now: number): number | undefined {
  if (status !== 403 && status !== 429) return undefined;
  if (retryAfter !== null) return retryAfter;
  const reset = Number(headers.get('x-ratelimit-reset') ?? Number.NaN);
  if (headers.get('x-ratelimit-remaining') === '0' && Number.isFinite(reset)) return Math.max(0, reset - now / 1000);
  return status === 429 || /rate limit/i.test(Errors.safeParse(parseJson(text)).data ?? '')
    ? LIMITED_SECONDS
    : undefined;
}

/** An error body. In a 422 response, the list contains the details. */
const Errors = z
  .object({
    message: z.string(),
    errors: z
      .array(
        z.union([
          z.string(),
          z.object({ field: z.string().optional(), code: z.string().optional(), message: z.string().optional() }),
        ]),
      )
      .default([]),
  })
  .transform(({ message, errors }) => {
    const details = errors.map((error) =>
      typeof error === 'string' ? error : [error.field, error.message ?? error.code].filter(Boolean).join(' '),
    );
    return [message, ...details].join('; ');
  });
