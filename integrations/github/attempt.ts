import type { z } from 'zod';
import type { VendorResponse } from '../../domain/messages/channels.ts';
import { attemptClient, type Failed } from '../shared/client.ts';
import { type Ended, endedBy, type Ending, orEnding, refuse } from '../shared/refusals.ts';
import { githubApi, type GithubOptions, repositoryPath } from './rest.ts';

/** Milliseconds for all calls of one attempt together. */
const ATTEMPT_MS = 15_000;

type Write = 'POST' | 'PATCH' | 'PUT';
/** Without `off`, because an attempt without a token is refused earlier. */
type Answered<T> = Exclude<VendorResponse<T>, { kind: 'off' }>;

/**
 * The calls of one attempt for one repository, with paths relative to the repository. All except `write` throw `Ended`.
 */
export type Calls = {
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  /** Returns undefined if the resource doesn't exist or the token can't read it; GitHub doesn't distinguish the two. */
  find<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined>;
  make<T>(path: string, body: object, schema: z.ZodType<T>): Promise<T>;
  /** Returns refusals for the caller to handle. `ended` converts the remaining ones. */
  write<T>(method: Write, path: string, body: object, schema: z.ZodType<T>): Promise<Answered<T>>;
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
  const failed = async <T>(method: 'GET' | Write, path: string, schema: z.ZodType<T>, body?: object) => {
    const answer = await client({ method, path: base + path, schema, ...(body && { body }) });
    if (answer.kind === 'off') throw refuse('the token for GitHub is not set, so it was not called');
    return answer;
  };
  const value = <T>(answer: Answered<T>): T => {
    if (answer.kind === 'done') return answer.value;
    throw ended(answer);
  };
  return {
    get: async (path, schema) => value(await failed('GET', path, schema)),
    async find(path, schema) {
      const answer = await failed('GET', path, schema);
      return answer.kind === 'refused' && NO_SUCH.includes(answer.code) ? undefined : value(answer);
    },
    make: async (path, body, schema) => value(await failed('POST', path, schema, body)),
    write: (method, path, body, schema) => failed(method, path, schema, body),
  };
}

/** 404, and 422 for a name with invalid syntax. */
const NO_SUCH: readonly string[] = ['not_found', 'invalid'];

export const ended = (answer: Failed): Ended =>
  endedBy(answer, answer.kind === 'refused' ? HINTS[answer.code] : undefined);

const HINTS: Readonly<Partial<Record<string, string>>> = {
  unauthorized: '; the token is invalid or has expired',
  forbidden: '; docs/how-to/github.md lists the permissions that the token needs',
  not_found: '; it does not exist, or the token has no access to it',
};
