import type { PullRequest, Push } from '../../schemas/delivery/code.ts';
import type { CodeFigures } from '../../schemas/delivery/code-figures.ts';
import type { ServiceName } from '../../schemas/config/names.ts';
import { secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import type { RunFact } from '../ports/delivery.ts';
import { commitsWithin } from './code.ts';
import { branchLabel, OTHER, USUAL_DEFAULTS } from './pipeline-figures.ts';
import { median, nearestRank } from './quantiles.ts';

/** What is known of a repository. */
export type Repository = { pushes: readonly Push[]; pullRequests: readonly PullRequest[] };

/** A service with its repository. `path`: its folder in it; undefined: it has the repository alone. */
export type CodeOf = {
  service: ServiceName;
  repository: Repository | null;
  path: string | undefined;
  runs: readonly Pick<RunFact, 'branch' | 'default_branch' | 'coverage' | 'at'>[];
};

/**
 * Returns the figures of the code of some services. What several of them share counts once. In a folder of a repository, a
 * pull request belongs to a service if the push of its merge has a commit in the folder, so only merged ones are known.
 */
export function codeFigures(all: readonly CodeOf[], window: { from: Timestamp; until: Timestamp }): CodeFigures {
  const isIn = (at: Timestamp | null): boolean => at !== null && at >= window.from && at <= window.until;
  const commits = new Set<string>();
  const pullRequests = new Map<string, PullRequest>();
  for (const { repository, path } of all) {
    if (repository === null) continue;
    const own = repository.pushes.filter(isDefaultBranch);
    for (const push of own.filter(({ received_at }) => isIn(received_at)))
      for (const { sha } of commitsWithin(push.commits, path)) commits.add(sha);
    for (const one of repository.pullRequests)
      if (path === undefined || isOfFolder(own, one, path)) pullRequests.set(`${one.repository}#${one.number}`, one);
  }
  const found = [...pullRequests.values()];
  const merged = found.filter(({ merged_at: at }) => isIn(at));
  return {
    window,
    services: all.map(({ service }) => service),
    commits: commits.size,
    pull_requests: {
      opened: found.filter(({ opened_at: at }) => isIn(at)).length,
      merged: merged.length,
      closed: found.filter(({ closed_at: at, merged_at }) => merged_at === null && isIn(at)).length,
    },
    first_review: periods(
      found.filter(({ first_review_at: at }) => isIn(at)),
      'first_review_at',
    ),
    merge: periods(merged, 'merged_at'),
    coverage: all.flatMap(({ service, runs }) => {
      const last = runs.findLast((run) => run.coverage !== null && branchLabel(run) !== OTHER);
      return last === undefined || last.coverage === null ? [] : [{ service, value: last.coverage, at: last.at }];
    }),
  };
}

/** Without the name of the default branch, the usual names are taken for it. */
const isDefaultBranch = ({ branch, default_branch }: Push): boolean =>
  default_branch === undefined ? USUAL_DEFAULTS.includes(branch) : branch === default_branch;

function isOfFolder(pushes: readonly Push[], { merge_commit: commit }: PullRequest, path: string): boolean {
  const push = pushes.find(({ commits }) => commits.some(({ sha }) => sha === commit));
  return push !== undefined && commitsWithin(push.commits, path).length > 0;
}

function periods(all: readonly PullRequest[], end: 'first_review_at' | 'merged_at'): CodeFigures['merge'] {
  const seconds = all.flatMap((one) => {
    const at = one[end];
    return at === null || at < one.opened_at ? [] : [secondsBetween(one.opened_at, at)];
  });
  return { count: seconds.length, median_s: median(seconds), p90_s: nearestRank(seconds, 0.9) };
}
