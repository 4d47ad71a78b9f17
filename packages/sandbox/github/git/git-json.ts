import { isoSeconds, LOGIN } from '../answers.ts';
import type { GitCommit, TreeEntry } from './objects.ts';
import type { Pull } from './pulls.ts';
import type { Ref, Repository } from './refs.ts';

/**
 * Git objects in the format of the API. Fields that the stand-in has no data for are omitted.
 *
 * @see https://docs.github.com/en/rest/git and https://docs.github.com/en/rest/commits (read 2026-11)
 */
export const refJson = (origin: string, { name }: Repository, ref: Pick<Ref, 'name' | 'sha'>): object => ({
  ref: `refs/${ref.name}`,
  object: { type: 'commit', sha: ref.sha, url: `${origin}/repos/${name}/git/commits/${ref.sha}` },
});

export const gitCommitJson = (origin: string, { name }: Repository, commit: GitCommit): object => ({
  sha: commit.sha,
  author: signature(commit),
  committer: signature(commit),
  message: commit.message,
  tree: { sha: commit.tree, url: `${origin}/repos/${name}/git/trees/${commit.tree}` },
  parents: commit.parents.map((sha) => ({ sha, url: `${origin}/repos/${name}/git/commits/${sha}` })),
});

export const commitJson = (origin: string, repository: Repository, commit: GitCommit): object => {
  const { sha, message, tree } = commit;
  const url = `${origin}/repos/${repository.name}/commits/${sha}`;
  return {
    sha,
    url,
    commit: { author: signature(commit), committer: signature(commit), message, tree: { sha: tree } },
    author: { login: LOGIN },
    parents: commit.parents.map((parent) => ({ sha: parent })),
  };
};

export const treeJson = (origin: string, { name }: Repository, sha: string, entries: TreeEntry[]): object => ({
  sha,
  tree: entries.map((entry) => ({
    ...entry,
    url: `${origin}/repos/${name}/git/${entry.type}s/${entry.sha}`,
  })),
  truncated: false,
});

/** @see https://docs.github.com/en/rest/repos/contents (read 2026-11) */
export const contentJson = (
  origin: string,
  { name, objects }: Repository,
  { path, sha, type, at }: Pick<TreeEntry, 'path' | 'sha' | 'type'> & { at: string },
): object => ({
  type: type === 'tree' ? 'dir' : 'file',
  name: path.slice(path.lastIndexOf('/') + 1),
  path,
  sha,
  size: type === 'tree' ? 0 : Buffer.byteLength(objects.text(sha) ?? ''),
  url: `${origin}/repos/${name}/contents/${path}?ref=${at}`,
  html_url: `${origin}/${name}/${type === 'tree' ? 'tree' : 'blob'}/${at}/${path}`,
});

export const pullJson = (origin: string, repository: Repository, pull: Pull): object => {
  const { number, state, merged_at: mergedAt } = pull;
  const end = state === 'closed' ? isoSeconds(mergedAt ?? pull.updated_at) : null;
  return {
    id: pull.id,
    number,
    url: `${origin}/repos/${repository.name}/pulls/${number}`,
    html_url: `${origin}/${repository.name}/pull/${number}`,
    state,
    title: pull.title,
    body: pull.body,
    user: { login: LOGIN },
    head: branchJson(repository, pull.head),
    base: branchJson(repository, pull.base),
    created_at: isoSeconds(pull.created_at),
    updated_at: isoSeconds(pull.updated_at),
    closed_at: end,
    merged_at: mergedAt === null ? null : isoSeconds(mergedAt),
    // For an open pull request, this is the test merge commit.
    merge_commit_sha: pull.merge_commit_sha ?? repository.ref(`heads/${pull.head}`)?.sha ?? null,
  };
};

const branchJson = (repository: Repository, branch: string): object => ({
  label: `${repository.name.split('/')[0]}:${branch}`,
  ref: branch,
  sha: repository.ref(`heads/${branch}`)?.sha ?? null,
  repo: { full_name: repository.name },
});

const signature = ({ at }: GitCommit): object => ({ name: LOGIN, email: `${LOGIN}@example.com`, date: isoSeconds(at) });
