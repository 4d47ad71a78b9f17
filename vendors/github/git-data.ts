import * as z from 'zod';
import { refuse } from '../shared/refusals.ts';
import type { Calls } from './rest.ts';

const Sha = z.string().regex(/^[0-9a-f]{40}$/);

const Created = z.object({ sha: Sha });

const RestCommit = z.object({ sha: Sha, commit: z.object({ message: z.string(), tree: z.object({ sha: Sha }) }) });

const GitCommit = z.object({ sha: Sha, tree: z.object({ sha: Sha }) });

const RefOrTag = z.object({ object: z.object({ type: z.string(), sha: Sha }) });

const Branch = z.object({ commit: RestCommit });

const Tree = z.object({
  tree: z.array(z.object({ path: z.string(), mode: z.string(), type: z.string(), sha: Sha })),
  truncated: z.boolean(),
});

/** A commit and its root tree. */
export type Commit = { sha: string; tree: string };

/** The Git object at a path: a file, a folder, a link, or a submodule. */
type Entry = { mode: string; type: string; sha: string };

/** Returns a branch or tag name escaped for a URL path. Slashes are kept. */
export function escapedName(name: string): string {
  const parts = name.split('/');
  // Git allows no such names, and in a URL they would change the path.
  if (parts.some((part) => part === '.' || part === '..')) throw refuse(`${name} is not a branch or tag name`);
  return parts.map(encodeURIComponent).join('/');
}

const commitOf = ({ sha, commit }: z.infer<typeof RestCommit>): Commit => ({ sha, tree: commit.tree.sha });

export async function headOf(calls: Calls, branch: string): Promise<Commit> {
  const found = await calls.find(`/branches/${escapedName(branch)}`, Branch);
  if (found === undefined) throw refuse(`the repository has no branch ${branch}, or the token has no access to it`);
  return commitOf(found.commit);
}

/**
 * Returns the commit of a version.
 * @param version a commit SHA, full or abbreviated, or a tag name; a branch is not a version
 */
export async function commitOfVersion(calls: Calls, version: string): Promise<Commit> {
  const isSha = /^[0-9a-f]{7,40}$/i.test(version);
  const isFullSha = isSha && version.length === 40;
  const sha = isFullSha ? version.toLowerCase() : await taggedCommit(calls, version);
  if (sha !== undefined) {
    const commit = await calls.find(`/git/commits/${sha}`, GitCommit);
    if (commit) return { sha: commit.sha, tree: commit.tree.sha };
  }
  // The response contains a page of the commit's files; request only one file.
  const abbreviated = isSha && !isFullSha ? await calls.find(`/commits/${version}?per_page=1`, RestCommit) : undefined;
  if (abbreviated === undefined) throw refuse(`the repository has neither a commit nor a tag ${version}`);
  return commitOf(abbreviated);
}

/** Returns the commit of a tag. An annotated tag is an object that refers to the commit. */
async function taggedCommit(calls: Calls, tag: string): Promise<string | undefined> {
  const ref = await calls.find(`/git/ref/tags/${escapedName(tag)}`, RefOrTag);
  if (ref === undefined || ref.object.type === 'commit') return ref?.object.sha;
  return (await calls.get(`/git/tags/${ref.object.sha}`, RefOrTag)).object.sha;
}

/**
 * Returns the newest 100 commits of a branch, with their messages.
 * @param path only commits that change this path
 */
export const newestCommits = async (calls: Calls, branch: string, path: string | null) =>
  (
    await calls.get(
      `/commits?${new URLSearchParams({ sha: branch, per_page: '100', ...(path !== null && { path }) }).toString()}`,
      z.array(RestCommit),
    )
  ).map(({ sha, commit: { message } }) => ({ sha, message }));

/** Returns the segments of a path; empty for the root. */
export const segmentsOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

/** Returns the Git object at a path in a tree; undefined if there is none. */
export async function entryAt(calls: Calls, tree: string, segments: readonly string[]): Promise<Entry | undefined> {
  let entry: Entry = { mode: '040000', type: 'tree', sha: tree };
  for (const name of segments) {
    if (entry.type !== 'tree') return undefined;
    const folder = await calls.get(`/git/trees/${entry.sha}`, Tree);
    const found = folder.tree.find((child) => child.path === name);
    if (found === undefined && folder.truncated)
      throw refuse(`a parent folder of ${segments.join('/')} is too large for GitHub's API`);
    if (found === undefined) return undefined;
    entry = { mode: found.mode, type: found.type, sha: found.sha };
  }
  return entry;
}

/** Creates a tree from `base` in which `entry` replaces the object at the path. */
export const createTreeWith = async (
  calls: Calls,
  base: string,
  segments: readonly string[],
  entry: Entry,
): Promise<string> =>
  (await calls.create('/git/trees', { base_tree: base, tree: [{ path: segments.join('/'), ...entry }] }, Created)).sha;

export const createCommit = async (calls: Calls, tree: string, parent: string, message: string): Promise<string> =>
  (await calls.create('/git/commits', { message, tree, parents: [parent] }, Created)).sha;
