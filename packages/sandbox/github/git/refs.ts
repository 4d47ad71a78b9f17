import type { DatabaseSync } from 'node:sqlite';
import { type GitCommit, type Objects, openObjects } from './objects.ts';

export const refTables = `
  create table if not exists github_refs (
    repository text not null collate nocase,
    name text not null,
    sha text not null,
    protected integer not null default 0,
    primary key (repository, name)
  );
`;

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
  const get = db.prepare('select name, sha, protected from github_refs where repository = ? and name = ?');
  const set = db.prepare(`
    insert into github_refs (repository, name, sha) values (:repository, :name, :sha)
    on conflict do update set sha = :sha`);
  const protect = db.prepare('update github_refs set protected = ? where repository = ? and name = ?');

  const ref = (name: string): Ref | undefined => {
    const row = get.get(repository, name) as { name: string; sha: string; protected: number } | undefined;
    return row && { ...row, protected: row.protected === 1 };
  };
  return {
    name: repository,
    objects,
    ref,
    set: (name, sha) => void set.run({ repository, name, sha }),
    protect: (name, isProtected) => void protect.run(isProtected ? 1 : 0, repository, name),
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
