import * as z from 'zod';
import type { GitRevert } from '../../schemas/deployers.ts';
import { truncate } from '../text.ts';
import { putOff } from '../ended.ts';
import { type Calls, ended } from './attempt.ts';
import { escaped } from './git-data.ts';
import { BODY_MAX_CHARS } from './limits.ts';
import { branchOf, titleOf } from './revert-text.ts';

/** `sha`: the commit on the branch that the merge has made; null before. */
export type PullRequest = {
  kind: 'pull_request';
  number: number;
  /** For people. */
  url: string;
  state: 'open' | 'merged' | 'closed';
  sha: string | null;
};

const Pull = z.object({
  number: z.number(),
  html_url: z.string(),
  state: z.enum(['open', 'closed']),
  merged_at: z.string().nullable(),
  merge_commit_sha: z.string().nullable(),
});

/** While it is open, GitHub shows the commit of a merge that it has only tried. */
const pullRequest = ({
  number,
  html_url: url,
  state,
  merged_at,
  merge_commit_sha,
}: z.infer<typeof Pull>): PullRequest => {
  const merged = merged_at !== null;
  return { kind: 'pull_request', number, url, state: merged ? 'merged' : state, sha: merged ? merge_commit_sha : null };
};

/** It is found by its branch, also after that is gone. */
export async function findPullRequest(
  calls: Calls,
  { repository, branch }: GitRevert,
  key: string,
): Promise<PullRequest | null> {
  const head = `${repository.split('/')[0] ?? ''}:${branchOf(key)}`;
  const query = new URLSearchParams({ head, base: branch, state: 'all', per_page: '1' });
  const [newest] = await calls.get(`/pulls?${query.toString()}`, z.array(Pull));
  return newest === undefined ? null : pullRequest(newest);
}

export const pullRequestAt = async (calls: Calls, number: number): Promise<PullRequest> =>
  pullRequest(await calls.get(`/pulls/${number}`, Pull));

/** What a person has to do about one that is open. */
export const toBeMerged = ({ url }: Pick<PullRequest, 'url'>): string => `the pull request ${url} has to be merged`;

const Ref = z.unknown();

/**
 * Pushes a branch of its own and asks for it to be merged. Where an earlier try came as far as the branch, that one is
 * taken.
 * @param prepare makes the commit that is to be merged
 */
export async function openPullRequest(
  calls: Calls,
  { branch }: GitRevert,
  { key, title, body }: { key: string; title: string; body: string },
  prepare: () => Promise<{ kind: 'prepared' | 'unchanged'; sha: string }>,
): Promise<PullRequest | { kind: 'unchanged'; sha: string }> {
  const ours = branchOf(key);
  if ((await calls.find(`/git/ref/heads/${escaped(ours)}`, Ref)) === undefined) {
    const { kind, sha } = await prepare();
    if (kind === 'unchanged') return { kind, sha };
    await create(calls, '/git/refs', { ref: `refs/heads/${ours}`, sha }, Ref);
  }
  const asked = { title: titleOf(title), head: ours, base: branch, body: truncate(body, BODY_MAX_CHARS) };
  return pullRequest(await create(calls, '/pulls', asked, Pull));
}

/** What an earlier try has made late is found by the next look. */
async function create<T>(calls: Calls, path: string, body: object, schema: z.ZodType<T>): Promise<T> {
  const answer = await calls.write('POST', path, body, schema);
  if (answer.kind === 'done') return answer.value;
  if (answer.kind === 'refused' && /already exists/i.test(answer.detail)) throw putOff(answer.detail);
  throw ended(answer);
}
