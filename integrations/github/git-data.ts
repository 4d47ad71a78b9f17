import * as z from 'zod';
import { refuse } from '../ended.ts';
import { type Calls } from './attempt.ts';

const Sha = z.string().regex(/^[0-9a-f]{40}$/);
const Made = z.object({ sha: Sha });

const RestCommit = z.object({ sha: Sha, commit: z.object({ message: z.string(), tree: z.object({ sha: Sha }) }) });
const GitCommit = z.object({ sha: Sha, tree: z.object({ sha: Sha }) });
const Tagged = z.object({ object: z.object({ type: z.string(), sha: Sha }) });
const Branch = z.object({ commit: RestCommit });
const Tree = z.object({
  tree: z.array(z.object({ path: z.string(), mode: z.string(), type: z.string(), sha: Sha })),
  truncated: z.boolean(),
});

/** A commit, and its whole tree. */
export type Commit = { sha: string; tree: string };

/** What is at a path: a file, a folder, a link, or a submodule. */
export type Entry = { mode: string; type: string; sha: string };

/** The name of a branch or tag as part of an address: slashes stay, all else is escaped. */
export function escaped(name: string): string {
  const parts = name.split('/');
  // No name of Git's has them, and an address would lead elsewhere.
  if (parts.some((part) => part === '.' || part === '..')) throw refuse(`${name} is no name of a branch or tag`);
  return parts.map(encodeURIComponent).join('/');
}

const commitOf = ({ sha, commit }: z.infer<typeof RestCommit>): Commit => ({ sha, tree: commit.tree.sha });

export async function headOf(calls: Calls, branch: string): Promise<Commit> {
  const found = await calls.find(`/branches/${escaped(branch)}`, Branch);
  if (found === undefined) throw refuse(`GitHub has no branch ${branch} there, or the token may not see it`);
  return commitOf(found.commit);
}

/** @param to a commit's id, whole or begun, or the name of a tag; a branch is no version */
export async function commitAt(calls: Calls, to: string): Promise<Commit> {
  const isId = /^[0-9a-f]{7,40}$/i.test(to);
  const isWhole = isId && to.length === 40;
  const sha = isWhole ? to.toLowerCase() : await taggedCommit(calls, to);
  if (sha !== undefined) {
    const commit = await calls.find(`/git/commits/${sha}`, GitCommit);
    if (commit) return { sha: commit.sha, tree: commit.tree.sha };
  }
  // Its files come along, a page of them; one is enough.
  const begun = isId && !isWhole ? await calls.find(`/commits/${to}?per_page=1`, RestCommit) : undefined;
  if (begun === undefined) throw refuse(`GitHub knows neither a commit nor a tag ${to} there`);
  return commitOf(begun);
}

/** What a tag stands for. One with a message of its own is an object that names another. */
async function taggedCommit(calls: Calls, tag: string): Promise<string | undefined> {
  const ref = await calls.find(`/git/ref/tags/${escaped(tag)}`, Tagged);
  if (ref === undefined || ref.object.type === 'commit') return ref?.object.sha;
  return (await calls.get(`/git/tags/${ref.object.sha}`, Tagged)).object.sha;
}

/** The newest hundred, with their messages. @param path only those that touch it */
export const newestCommits = async (calls: Calls, branch: string, path: string | null) =>
  (
    await calls.get(
      `/commits?${new URLSearchParams({ sha: branch, per_page: '100', ...(path !== null && { path }) }).toString()}`,
      z.array(RestCommit),
    )
  ).map(({ sha, commit: { message } }) => ({ sha, message }));

/** The names on the way to a path; none: the root. */
export const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

/** What is at a path below a tree; undefined: nothing. */
export async function entryAt(calls: Calls, tree: string, names: readonly string[]): Promise<Entry | undefined> {
  let entry: Entry = { mode: '040000', type: 'tree', sha: tree };
  for (const name of names) {
    if (entry.type !== 'tree') return undefined;
    const folder = await calls.get(`/git/trees/${entry.sha}`, Tree);
    const found = folder.tree.find((each) => each.path === name);
    if (found === undefined && folder.truncated)
      throw refuse(`a folder on the way to ${names.join('/')} is too large for GitHub's API`);
    if (found === undefined) return undefined;
    entry = { mode: found.mode, type: found.type, sha: found.sha };
  }
  return entry;
}

/** The tree `base` with `entry` at `path`, in the place of all that is there. */
export const treeWith = async (calls: Calls, base: string, names: readonly string[], entry: Entry): Promise<string> =>
  (await calls.make('/git/trees', { base_tree: base, tree: [{ path: names.join('/'), ...entry }] }, Made)).sha;

export const makeCommit = async (calls: Calls, tree: string, parent: string, message: string): Promise<string> =>
  (await calls.make('/git/commits', { message, tree, parents: [parent] }, Made)).sha;
