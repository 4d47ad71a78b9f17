import * as z from 'zod';
import { type Ending, refuse, retryLater } from '../shared/refusals.ts';
import { truncate } from '../shared/text.ts';
import {
  type Commit,
  commitOfVersion,
  createCommit,
  createTreeWith,
  entryAt,
  escapedName,
  headOf,
  newestCommits,
  segmentsOf,
} from './git-data.ts';
import { attempt, BODY_MAX_CHARS, type Calls, ended, type GithubOptions, TITLE_MAX_CHARS } from './rest.ts';
import type { GitRevert } from './schema.ts';

export type RevertRequest = {
  /** A file or a folder; null for the whole tree. */
  path: string | null;
  /** The commit or tag whose content is restored. */
  to: string;
  /** The same for every attempt. */
  key: string;
  title: string;
  /** Markdown. */
  body: string;
};

/** The result of a revert with a key. */
export type Revert = { kind: 'committed'; sha: string } | PullRequest;

/** `unchanged`: the branch already has the wanted content, at the commit `sha`. */
type Unchanged = { kind: 'unchanged'; sha: string };

export type Reverted = Revert | Unchanged | Ending;

/**
 * Restores earlier file content in Git. Every call is one attempt of at most 15 s, and never throws for a response of
 * GitHub.
 */
export type GitReverter = {
  /** Reverts the files. A repeat with the same key only returns the current state of the first revert. */
  revert(request: RevertRequest): Promise<Reverted>;
  /** Finds an earlier revert; null if there is none. */
  find(request: Pick<RevertRequest, 'path' | 'key'>): Promise<Revert | null | Ending>;
};

/**
 * Creates a reverter that uses the Git data API, without a clone or a merge: the new commit has the tree of the branch,
 * with the old content at the path. The branch moves only if nothing else has moved it, so that a call that takes
 * effect late can't revert twice.
 * @see https://docs.github.com/en/rest/git
 */
export function gitReverter(config: GitRevert, options: GithubOptions): GitReverter {
  const { repository } = config;
  return {
    revert: (request) =>
      attempt<Reverted>(
        options,
        repository,
        async (calls) => (await findRevert(calls, config, request)) ?? createRevert(calls, config, request),
      ),
    find: (request) => attempt(options, repository, (calls) => findRevert(calls, config, request)),
  };
}

/** Finds the earlier revert with this key; null if there is none. */
export async function findRevert(
  calls: Calls,
  config: GitRevert,
  { path, key }: Pick<RevertRequest, 'path' | 'key'>,
): Promise<Revert | null> {
  if (config.mode === 'pull-request') return findPullRequest(calls, config, key);
  const names = segmentsOf(path ?? '');
  const commits = await newestCommits(calls, config.branch, names.length === 0 ? null : names.join('/'));
  const commit = commits.find(({ message }) => hasKey(message, key));
  return commit === undefined ? null : { kind: 'committed', sha: commit.sha };
}

/** Reverts the files. The caller has checked that no earlier revert exists. */
export const createRevert = (calls: Calls, config: GitRevert, request: RevertRequest): Promise<Revert | Unchanged> =>
  config.mode === 'commit'
    ? commitOnBranch(calls, config, request)
    : openPullRequest(calls, config, request, () => prepareRevert(calls, config, request));

/** Creates a commit on top of the branch head that is not yet on any branch. `unchanged`: no commit is needed. */
async function prepareRevert(
  calls: Calls,
  { branch }: GitRevert,
  request: RevertRequest,
): Promise<{ kind: 'prepared' | 'unchanged'; sha: string }> {
  const [head, old] = await Promise.all([headOf(calls, branch), commitOfVersion(calls, request.to)]);
  const tree = await revertedTree(calls, head, old, request);
  if (tree === head.tree) return { kind: 'unchanged', sha: head.sha };
  return { kind: 'prepared', sha: await createCommit(calls, tree, head.sha, commitMessage(request)) };
}

/** Returns the tree of the branch with the earlier content at the path. */
async function revertedTree(calls: Calls, head: Commit, old: Commit, { path, to }: RevertRequest): Promise<string> {
  const names = segmentsOf(path ?? '');
  if (names.length === 0) return old.tree;
  const [current, earlier] = await Promise.all([entryAt(calls, head.tree, names), entryAt(calls, old.tree, names)]);
  // Deleting the whole path is more than a revert.
  if (earlier === undefined) throw refuse(`there is no ${names.join('/')} in ${to}, so there is nothing to restore`);
  if (current?.sha === earlier.sha && current.mode === earlier.mode) return head.tree;
  return createTreeWith(calls, head.tree, names, earlier);
}

async function commitOnBranch(calls: Calls, config: GitRevert, request: RevertRequest): Promise<Revert | Unchanged> {
  const { kind, sha } = await prepareRevert(calls, config, request);
  if (kind === 'unchanged') return { kind, sha };
  await moveBranch(calls, config.branch, sha);
  return { kind: 'committed', sha };
}

const Ignored = z.unknown();

async function moveBranch(calls: Calls, branch: string, sha: string): Promise<void> {
  const response = await calls.write('PATCH', `/git/refs/heads/${escapedName(branch)}`, { sha, force: false }, Ignored);
  if (response.kind === 'done') return;
  const isInvalid = response.kind === 'refused' && ['invalid', 'conflict'].includes(response.code);
  if (isInvalid && /fast.forward/i.test(response.detail))
    throw retryLater(`${branch} changed in the meantime: ${response.detail}`);
  if (isInvalid)
    throw refuse(
      `${response.detail}; if ${branch} is protected, set mode: pull-request, or allow the token to bypass the protection`,
    );
  throw ended(response);
}

/** A pull request. `sha` is the merge commit on the branch; null before the merge. */
type PullRequest = {
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
async function findPullRequest(
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

/**
 * Pushes a new branch and opens a pull request for it. Reuses a branch from an earlier attempt.
 * @param prepare creates the commit to merge
 */
async function openPullRequest(
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

/** Returns the trailer by which Firebreak finds its own commits. */
const trailer = (key: string): string => `Firebreak-Key: ${key}`;

/** Returns the commit message. The trailer is the last line, so that nothing in the body can imitate it. */
const commitMessage = ({ title, body, key }: { title: string; body: string; key: string }): string =>
  [titleOf(title), withoutMentions(truncate(body.trim(), BODY_MAX_CHARS)), trailer(key)]
    .filter((part) => part !== '')
    .join('\n\n');

const hasKey = (message: string, key: string): boolean => message.trimEnd().split(/\r?\n/).at(-1) === trailer(key);

/** Returns a title on one line. GitHub shows it as plain text, but resolves mentions and references. */
const titleOf = (title: string): string =>
  truncate(withoutMentions(title.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()), TITLE_MAX_CHARS);

/**
 * Disables mentions and references with an invisible joiner. Otherwise GitHub would notify people and close issues for
 * any text that looks like one.
 * @see https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
 */
const withoutMentions = (text: string): string =>
  text.replaceAll(/(?<=[@#]|\bGH-|\/(?:issues|pull|discussions)\/)(?=\w)/gi, '\u2060');

/**
 * Returns the branch name for a key.
 * @see https://git-scm.com/docs/git-check-ref-format
 */
const revertBranchOf = (key: string): string =>
  `firebreak/${key.replaceAll(/[^A-Za-z0-9_-]+/g, '-').replaceAll(/^-+|(?<!-)-+$/g, '')}`;
