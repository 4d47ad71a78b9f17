import type { z } from 'zod';
import type { VendorResponse } from '../../core/domain/messages/channels.ts';
import { attemptClient, type FailedResponse } from '../shared/client.ts';
import { type Ended, endedBy, type Ending, orEnding, refuse } from '../shared/refusals.ts';
import { githubApi, type GithubOptions, repositoryPath } from './rest.ts';

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
  const client = attemptClient({
    ...githubApi(options),
    timeoutMs: ATTEMPT_MS,
    prefix: ({ method, path }) => `${method} ${path}`,
  });
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
