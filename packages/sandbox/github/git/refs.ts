import type { DatabaseSync } from 'node:sqlite';
import { documents } from '../../core/exchanges.ts';
import { type GitCommit, type Objects, openObjects } from './objects.ts';

/** One repository: its Git objects, and its branches and tags. Ref names are `heads/main` or `tags/v1`. */
export type Repository = {
  name: string;
  objects: Objects;
  ref(name: string): Ref | undefined;
  set(name: string, sha: string): void;
  /** Protects a branch, so that only pull requests can change it. */
  protect(name: string, isProtected: boolean): void;
  /** Returns the commit of a full or abbreviated object ID, a tag, or a branch. */
  resolve(ref: string): GitCommit | undefined;
  /** Returns a commit and its ancestors, newest first. */
  history(sha: string): GitCommit[];
};

export type Ref = { name: string; sha: string; protected: boolean };

export function openRepository(db: DatabaseSync, repository: string): Repository {
  const objects = openObjects(db, repository);
  const refs = documents<Ref>(db, 'github ref');
  const ref = (name: string) => refs.get(repository.toLowerCase(), name);
  const put = (changed: Ref) => refs.put(changed, repository.toLowerCase(), changed.name);

  return {
    name: repository,
    objects,
    ref,
    set: (name, sha) => void put({ protected: false, ...ref(name), name, sha }),
    protect: (name, isProtected) => void put({ sha: '', ...ref(name), name, protected: isProtected }),
    resolve(name) {
      const candidates = /^(?:heads|tags)\//.test(name) ? [name] : [`tags/${name}`, `heads/${name}`];
      const found = candidates.map(ref).find((each) => each !== undefined);
      if (found) return objects.commit(found.sha);
      if (!/^[0-9a-f]{4,40}$/.test(name)) return undefined;
      const [sha, second] = objects.commitsLike(name);
      return sha !== undefined && second === undefined ? objects.commit(sha) : undefined;
    },
    history(sha) {
      const seen = new Map<string, GitCommit>();
      const pending = [sha];
      for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
        const commit = seen.has(next) ? undefined : objects.commit(next);
        if (!commit) continue;
        seen.set(next, commit);
        pending.push(...commit.parents);
      }
      return [...seen.values()].toSorted((one, other) => other.at - one.at);
    },
  };
}
