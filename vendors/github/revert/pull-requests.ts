import * as z from 'zod';
import type { GitRevert } from '../schema.ts';
import { truncate } from '../../shared/text.ts';
import { retryLater } from '../../shared/refusals.ts';
import { type Calls, ended } from '../attempt.ts';
import { escapedName } from './git-data.ts';
import { BODY_MAX_CHARS } from '../limits.ts';
import { revertBranchOf, titleOf } from './revert-text.ts';

/** A pull request. `sha` is the merge commit on the branch; null before the merge. */
export type PullRequest = {
  kind: 'pull_request';
  number: number;
  /** The web page. */
  url: string;
  state: 'open' | 'merged' | 'closed';
  sha: string | null;
};

const RestPullRequest = z.object({
  number: z.number(),
  html_url: z.string(),
  state: z.enum(['open', 'closed']),
  merged_at: z.string().nullable(),
  merge_commit_sha: z.string().nullable(),
});

/** Converts a pull request. While it is open, `merge_commit_sha` is only GitHub's test merge. */
const pullRequest = ({
  number,
  html_url: url,
  state,
  merged_at,
  merge_commit_sha,
}: z.infer<typeof RestPullRequest>): PullRequest => {
  const merged = merged_at !== null;
  return { kind: 'pull_request', number, url, state: merged ? 'merged' : state, sha: merged ? merge_commit_sha : null };
};

/** Finds a pull request by its branch, also after the branch was deleted. */
export async function findPullRequest(
  calls: Calls,
  { repository, branch }: GitRevert,
  key: string,
): Promise<PullRequest | null> {
  const head = `${repository.split('/')[0] ?? ''}:${revertBranchOf(key)}`;
  const query = new URLSearchParams({ head, base: branch, state: 'all', per_page: '1' });
  const [newest] = await calls.get(`/pulls?${query.toString()}`, z.array(RestPullRequest));
  return newest === undefined ? null : pullRequest(newest);
}

export const readPullRequest = async (calls: Calls, number: number): Promise<PullRequest> =>
  pullRequest(await calls.get(`/pulls/${number}`, RestPullRequest));

/** Returns the required action for an open pull request. */
export const mergeRequired = ({ url }: Pick<PullRequest, 'url'>): string => `the pull request ${url} must be merged`;

const Ignored = z.unknown();

/**
 * Pushes a new branch and opens a pull request for it. Reuses a branch from an earlier attempt.
 * @param prepare creates the commit to merge
 */
export async function openPullRequest(
  calls: Calls,
  { branch }: GitRevert,
  { key, title, body }: { key: string; title: string; body: string },
  prepare: () => Promise<{ kind: 'prepared' | 'unchanged'; sha: string }>,
): Promise<PullRequest | { kind: 'unchanged'; sha: string }> {
  const revertBranch = revertBranchOf(key);
  if ((await calls.find(`/git/ref/heads/${escapedName(revertBranch)}`, Ignored)) === undefined) {
    const { kind, sha } = await prepare();
    if (kind === 'unchanged') return { kind, sha };
    await create(calls, '/git/refs', { ref: `refs/heads/${revertBranch}`, sha }, Ignored);
  }
  const fields = { title: titleOf(title), head: revertBranch, base: branch, body: truncate(body, BODY_MAX_CHARS) };
  return pullRequest(await create(calls, '/pulls', fields, RestPullRequest));
}

/**
 * Creates an object. If an earlier attempt has created it in the meantime, puts the attempt off; the next one finds it.
 */
async function create<T>(calls: Calls, path: string, body: object, schema: z.ZodType<T>): Promise<T> {
  const response = await calls.write('POST', path, body, schema);
  if (response.kind === 'done') return response.value;
  if (response.kind === 'refused' && /already exists/i.test(response.detail)) throw retryLater(response.detail);
  throw ended(response);
}
