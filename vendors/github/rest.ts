import * as z from 'zod';
import { publicUrl } from '../../core/domain/catalogue/vendors.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { Clock } from '../../core/domain/ports/system.ts';
import { Repository } from '../../schemas/config/endpoint.ts';
import {
  type Access,
  attemptClient,
  type FailedResponse,
  type VendorApi,
  type VendorCall,
  vendorClient,
} from '../shared/client.ts';
import type { HttpResponse } from '../shared/http.ts';
import { type Ended, endedBy, type Ending, orEnding, refuse } from '../shared/refusals.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/**
 * Limits of the REST API, which refuses longer texts. The limit of 50 characters for labels is documented only in the
 * error message.
 * @see https://docs.github.com/en/rest/issues/issues
 */
export const TITLE_MAX_CHARS = 256;

export const BODY_MAX_CHARS = 65_536;

export const LABEL_MAX_CHARS = 50;

/** Items per page of a list; GitHub's maximum. */
export const PAGE_ITEMS = 100;

/** Pages of issues to search: the newest 500 issues by Firebreak. */
export const ISSUE_PAGES = 5;

/** Pages of comments to search. Comments are listed oldest first, so all must be read; an issue can have 2,500. */
export const COMMENT_PAGES = 25;

/** Seconds to wait after a secondary rate limit without a retry time, as GitHub recommends. */
const LIMITED_SECONDS = 60;

/** Milliseconds for one attempt. */
export const ATTEMPT_TIMEOUT_MS = 10_000;

/** Maximum bytes of a list: 100 issues of 65,536 characters. */
const LIST_MAX_BYTES = 32 * 1024 * 1024;

/** @see https://docs.github.com/en/rest/about-the-rest-api/api-versions */
const API_VERSION = '2022-11-28';

export type GithubOptions = {
  /** `https://api.github.com`, or the URL of an Enterprise Server with `/api/v3`. The token is sent only there. */
  apiUrl: string;
  /** @param refused a token that GitHub no longer accepts; the same one again: there is no other. @throws NoToken */
  token: (refused?: string) => Promise<string | undefined>;
  clock: Clock;
};

/** Codes differ from those of responses: "not found" would be taken for the answer to the call that needs the token. */
type TokenFailure =
  | Exclude<FailedResponse, { kind: 'unclear' | 'refused' }>
  | { kind: 'refused'; code: 'no_token' | 'bad_key'; detail: string };

/** The failure to get a token, temporary or permanent. No call was made with the token. */
export class NoToken extends Error {
  override readonly name = 'NoToken';
  readonly failed: TokenFailure;
  /** The installation of the app does not exist. */
  readonly isGone: boolean;

  constructor(failed: TokenFailure, isGone = false) {
    super(failed.detail);
    this.failed = failed;
    this.isGone = isGone;
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

const githubApi = (options: GithubOptions): Omit<VendorApi, 'timeoutMs'> => ({
  vendor: 'GitHub',
  clock: options.clock,
  access: () => accessWith(options),
  async renewed({ headers }) {
    const refused = headers?.['authorization'];
    const access = await accessWith(options, refused?.replace(BEARER, ''));
    return 'kind' in access || access.headers?.['authorization'] !== refused ? access : undefined;
  },
  maxBytes: LIST_MAX_BYTES,
  rateLimitSeconds: limited,
  errorBody: Errors,
});

const BEARER = 'Bearer ';

async function accessWith(
  { apiUrl, token: source }: GithubOptions,
  refused?: string,
): Promise<Access | FailedResponse> {
  try {
    const token = await source(refused);
    if (!token) return { kind: 'off', detail: 'its token is not set' };
    const headers = {
      accept: 'application/vnd.github+json',
      authorization: `${BEARER}${token}`,
      'user-agent': 'firebreak',
      'x-github-api-version': API_VERSION,
    };
    return { url: apiUrl, headers };
  } catch (error) {
    if (error instanceof NoToken) return error.failed;
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

/** Milliseconds for all calls of one attempt together. */
const ATTEMPT_MS = 15_000;

type Write = 'POST' | 'PATCH' | 'PUT';

/** Without `off`, because an attempt without a token is refused earlier. */
type CallResponse<T> = Exclude<VendorResponse<T>, { kind: 'off' }>;

/**
 * The calls of one attempt for one repository, with paths relative to the repository. All except `write` throw `Ended`.
 */
export type Calls = {
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  /** Returns undefined if the resource doesn't exist or the token can't read it; GitHub doesn't distinguish the two. */
  find<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined>;
  create<T>(path: string, body: object, schema: z.ZodType<T>): Promise<T>;
  /** Returns refusals for the caller to handle. `ended` converts the remaining ones. */
  write<T>(method: Write, path: string, body: object, schema: z.ZodType<T>): Promise<CallResponse<T>>;
};

/** Runs `work` for one repository, with one time limit for all its calls. */
export function attempt<T>(
  options: GithubOptions,
  repository: string,
  work: (calls: Calls) => Promise<T>,
): Promise<T | Ending> {
  return orEnding(() => work(callsOf(options, repository)));
}

function callsOf(options: GithubOptions, repository: string): Calls {
  const prefix = ({ method, path }: { method: string; path: string }): string => `${method} ${path}`;
  const client = attemptClient({ ...githubApi(options), timeoutMs: ATTEMPT_MS, prefix });
  const base = repositoryPath(repository);
  const send = async <T>(method: 'GET' | Write, path: string, schema: z.ZodType<T>, body?: object) => {
    const response = await client({ method, path: base + path, schema, ...(body && { body }) });
    if (response.kind === 'off') throw refuse('the token for GitHub is not set, so it was not called');
    return response;
  };
  const valueOrEnd = <T>(response: CallResponse<T>): T => {
    if (response.kind === 'done') return response.value;
    throw ended(response);
  };
  return {
    get: async (path, schema) => valueOrEnd(await send('GET', path, schema)),
    async find(path, schema) {
      const response = await send('GET', path, schema);
      return response.kind === 'refused' && NOT_FOUND_CODES.includes(response.code) ? undefined : valueOrEnd(response);
    },
    create: async (path, body, schema) => valueOrEnd(await send('POST', path, schema, body)),
    write: (method, path, body, schema) => send(method, path, schema, body),
  };
}

/** 404, and 422 for a name with invalid syntax. */
const NOT_FOUND_CODES: readonly string[] = ['not_found', 'invalid'];

export const ended = (response: FailedResponse): Ended =>
  endedBy(response, response.kind === 'refused' ? HINTS[response.code] : undefined);

const HINTS: Readonly<Partial<Record<string, string>>> = {
  unauthorized: '; the token is invalid or has expired',
  forbidden: '; docs/how-to/github.md lists the permissions that the token needs',
  not_found: '; it does not exist, or the token has no access to it',
};
