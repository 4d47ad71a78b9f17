import type { DatabaseSync } from 'node:sqlite';
import type { Repository } from './refs.ts';

export const pullTables = `
  create table if not exists github_pulls (
    id integer primary key,
    repository text not null collate nocase,
    number integer not null,
    title text not null,
    body text,
    head text not null,
    base text not null,
    state text not null,
    merged_at integer,
    merge_commit_sha text,
    created_at integer not null,
    updated_at integer not null,
    unique (repository, number)
  );
`;

/** A pull request. Times are in milliseconds since the Unix epoch. Branch names don't include `heads/`. */
export type Pull = {
  id: number;
  repository: string;
  number: number;
  title: string;
  body: string | null;
  head: string;
  base: string;
  state: 'open' | 'closed';
  merged_at: number | null;
  merge_commit_sha: string | null;
  created_at: number;
  updated_at: number;
};

export type Pulls = {
  /** Returns the pull requests of a repository, newest first. */
  all(repository: string): Pull[];
  get(repository: string, number: number): Pull | undefined;
  open(pull: Pick<Pull, 'repository' | 'title' | 'body' | 'head' | 'base'>, at: number): Pull;
  close(pull: Pull, at: number): Pull;
  /**
   * Merges a pull request by moving its base branch. Returns undefined if the base branch has other commits, since the
   * stand-in can't merge changes.
   */
  merge(pull: Pull, repository: Repository, method: 'merge' | 'squash', at: number): Pull | undefined;
};

export function openPulls(db: DatabaseSync): Pulls {
  const all = db.prepare('select * from github_pulls where repository = ? order by id desc');
  const get = db.prepare('select * from github_pulls where repository = ? and number = ?');
  // Issues and pull requests share one sequence of numbers.
  const open = db.prepare(`
    insert into github_pulls (repository, number, title, body, head, base, state, created_at, updated_at)
    values (:repository, 1 + (select count(*) from github_pulls where repository = :repository)
        + (select count(*) from github_issues where repository = :repository),
      :title, :body, :head, :base, 'open', :at, :at) returning *`);
  const close = db.prepare(`
    update github_pulls set state = 'closed', merged_at = :merged_at, merge_commit_sha = :sha, updated_at = :at
    where id = :id returning *`);

  return {
    all: (repository) => all.all(repository) as Pull[],
    get: (repository, number) => get.get(repository, number) as Pull | undefined,
    open: (pull, at) => open.get({ ...pull, at }) as Pull,
    close: ({ id, merge_commit_sha: sha }, at) => close.get({ id, merged_at: null, sha, at }) as Pull,
    merge(pull, repository, method, at) {
      const head = repository.resolve(`heads/${pull.head}`);
      const base = repository.resolve(`heads/${pull.base}`);
      if (!head || !base || !repository.history(head.sha).some(({ sha }) => sha === base.sha)) return undefined;
      const { tree } = head;
      const { sha } = repository.objects.createCommit({
        tree,
        parents: method === 'squash' ? [base.sha] : [base.sha, head.sha],
        message:
          method === 'squash'
            ? `${pull.title} (#${pull.number})`
            : `Merge pull request #${pull.number} from ${pull.head}`,
        at,
      });
      repository.set(`heads/${pull.base}`, sha);
      return close.get({ id: pull.id, merged_at: at, sha, at }) as Pull;
    },
  };
}
