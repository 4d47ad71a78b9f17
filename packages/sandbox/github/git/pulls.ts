import type { DatabaseSync } from 'node:sqlite';
import { nextNumber } from '../issues.ts';
import type { Repository } from './refs.ts';
import { documents } from '../../core/exchanges.ts';

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

export type Pulls = ReturnType<typeof openPulls>;

export function openPulls(db: DatabaseSync) {
  const stored = documents<Pull>(db, 'github pull');
  const put = (pull: Pull): Pull => stored.put(pull, pull.repository.toLowerCase(), String(pull.number));
  return {
    /** Returns the pull requests of a repository, newest first. */
    all: (repository: string): Pull[] =>
      stored
        .all()
        .filter((pull) => pull.repository.toLowerCase() === repository.toLowerCase())
        .toReversed(),
    get: (repository: string, number: number) => stored.get(repository.toLowerCase(), String(number)),
    open(pull: Pick<Pull, 'repository' | 'title' | 'body' | 'head' | 'base'>, at: number): Pull {
      const place = { id: stored.count() + 1, number: nextNumber(db, pull.repository) };
      const open = { state: 'open', merged_at: null, merge_commit_sha: null } as const;
      return put({ ...pull, ...place, ...open, created_at: at, updated_at: at });
    },
    close: (pull: Pull, at: number): Pull => put({ ...pull, state: 'closed', updated_at: at }),
    /**
     * Merges a pull request by moving its base branch. Returns undefined if the base branch has other commits, since
     * the stand-in can't merge changes.
     */
    merge(pull: Pull, repository: Repository, method: 'merge' | 'squash', at: number): Pull | undefined {
      const head = repository.resolve(`heads/${pull.head}`);
      const base = repository.resolve(`heads/${pull.base}`);
      if (!head || !base || !repository.history(head.sha).some(({ sha }) => sha === base.sha)) return undefined;
      const isSquash = method === 'squash';
      const { sha } = repository.objects.createCommit({
        tree: head.tree,
        parents: isSquash ? [base.sha] : [base.sha, head.sha],
        message: isSquash ? `${pull.title} (#${pull.number})` : `Merge pull request #${pull.number} from ${pull.head}`,
        at,
      });
      repository.set(`heads/${pull.base}`, sha);
      return put({ ...pull, state: 'closed', merged_at: at, merge_commit_sha: sha, updated_at: at });
    },
  };
}
