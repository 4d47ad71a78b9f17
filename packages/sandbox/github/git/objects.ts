import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { documents } from '../../core/exchanges.ts';

export type TreeEntry = { path: string; mode: string; type: 'blob' | 'tree' | 'commit'; sha: string };

/** A commit. `at` is in milliseconds since the Unix epoch; Git stores whole seconds. */
export type GitCommit = { sha: string; tree: string; parents: string[]; message: string; at: number };

/** An entry for a new tree, at a path of any depth. `null` removes the entry. */
export type PlacedEntry = Omit<TreeEntry, 'sha'> & { sha: string | null };

/** The Git objects of one repository, with the object IDs that Git would compute. */
export type Objects = {
  /** Stores a text, and returns its object ID. */
  blob(text: string): string;
  text(sha: string): string | undefined;
  tree(sha: string): TreeEntry[] | undefined;
  commit(sha: string): GitCommit | undefined;
  createCommit(commit: Omit<GitCommit, 'sha'>): GitCommit;
  /** @throws PlacementError for the removal of a path that doesn't exist */
  createTree(base: string | undefined, placed: readonly PlacedEntry[]): string;
  /** Returns the entry at a path below a tree, or undefined if there is none. */
  entryAt(tree: string, path: string): TreeEntry | undefined;
  /** Returns the commits whose object IDs start with this text. */
  commitsLike(prefix: string): string[];
};

/** Thrown if a tree can't be created as requested. */
export class PlacementError extends Error {
  override readonly name = 'PlacementError';
}

export function openObjects(db: DatabaseSync, repository: string): Objects {
  const objects = documents<{ sha: string; content: unknown }>(db, `github object of ${repository.toLowerCase()}`);
  const get = <T>(sha: string, kind: string): T | undefined => objects.get(kind, sha)?.content as T | undefined;
  const put = (kind: string, bytes: Buffer, content: unknown): string => {
    const sha = createHash('sha1').update(`${kind} ${bytes.length}\0`).update(bytes).digest('hex');
    objects.put({ sha, content }, kind, sha);
    return sha;
  };
  const tree = (sha: string) => get<TreeEntry[]>(sha, 'tree');
  const putTree = (entries: readonly TreeEntry[]): string => {
    const sorted = entries.toSorted((entry, other) => (sortKey(entry) < sortKey(other) ? -1 : 1));
    return put('tree', Buffer.concat(sorted.map(treeLine)), sorted);
  };

  /** Places entries level by level: entries below a folder are placed in the folder's tree. */
  const placeEntries = (base: readonly TreeEntry[], placed: readonly PlacedEntry[]): string => {
    const entries = new Map(base.map((entry) => [entry.path, entry]));
    for (const entry of placed.filter(({ path }) => !path.includes('/'))) {
      const { path, mode, type, sha } = entry;
      if (sha !== null) entries.set(path, { path, mode, type, sha });
      else if (!entries.delete(path)) throw new PlacementError('GitRPC::BadObjectState');
    }
    const below = Map.groupBy(
      placed.filter(({ path }) => path.includes('/')),
      ({ path }) => path.slice(0, path.indexOf('/')),
    );
    for (const [name, entriesBelow] of below) {
      const existing = entries.get(name);
      const rest = entriesBelow.map((entry) => ({ ...entry, path: entry.path.slice(name.length + 1) }));
      const sha = placeEntries((existing?.type === 'tree' ? tree(existing.sha) : undefined) ?? [], rest);
      if (sha === EMPTY_TREE) entries.delete(name);
      else entries.set(name, { path: name, mode: '040000', type: 'tree', sha });
    }
    return putTree([...entries.values()]);
  };

  return {
    blob: (text) => put('blob', Buffer.from(text), text),
    text: (sha) => get<string>(sha, 'blob'),
    tree,
    commit(sha) {
      const commit = get<Omit<GitCommit, 'sha'>>(sha, 'commit');
      return commit && { sha, ...commit };
    },
    createCommit(commit) {
      const at = Math.floor(commit.at / 1000) * 1000;
      return { ...commit, at, sha: put('commit', commitBytes({ ...commit, at }), { ...commit, at }) };
    },
    createTree: (base, placed) => placeEntries((base === undefined ? [] : tree(base)) ?? [], placed),
    entryAt(root, path) {
      let entry: TreeEntry | undefined = { path: '', mode: '040000', type: 'tree', sha: root };
      for (const name of path.split('/')) entry = entry && tree(entry.sha)?.find((each) => each.path === name);
      return entry;
    },
    commitsLike: (prefix) =>
      objects
        .all()
        .map(({ sha }) => sha)
        .filter((sha) => sha.startsWith(prefix) && get(sha, 'commit') !== undefined),
  };
}

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Returns the key that Git sorts by. Folders sort as if their names ended in a slash. */
const sortKey = ({ path, type }: TreeEntry): string => (type === 'tree' ? `${path}/` : path);

const treeLine = ({ path, mode, sha }: TreeEntry): Buffer =>
  Buffer.concat([Buffer.from(`${mode.replace(/^0/, '')} ${path}\0`), Buffer.from(sha, 'hex')]);

function commitBytes({ tree, parents, message, at }: Omit<GitCommit, 'sha'>): Buffer {
  const author = `firebreak <firebreak@users.noreply.github.com> ${at / 1000} +0000`;
  const head = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${author}`,
    `committer ${author}`,
  ];
  return Buffer.from(`${head.join('\n')}\n\n${message}`);
}
