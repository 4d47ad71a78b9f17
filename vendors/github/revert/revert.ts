import * as z from 'zod';
import type { GitRevert } from '../schema.ts';
import { type Ending, retryLater, refuse } from '../../shared/refusals.ts';
import { attempt, type Calls, ended } from '../attempt.ts';
import {
  type Commit,
  commitOfVersion,
  entryAt,
  escapedName,
  headOf,
  createCommit,
  segmentsOf,
  newestCommits,
  createTreeWith,
} from './git-data.ts';
import { findPullRequest, openPullRequest, type PullRequest } from './pull-requests.ts';
import type { GithubOptions } from '../rest.ts';
import { hasKey, commitMessage } from './revert-text.ts';

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
export type Unchanged = { kind: 'unchanged'; sha: string };
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
    : openPullRequest(calls, config, request, () => prepare(calls, config, request));

/** Creates a commit on top of the branch head that is not yet on any branch. `unchanged`: no commit is needed. */
async function prepare(
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
  const { kind, sha } = await prepare(calls, config, request);
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
