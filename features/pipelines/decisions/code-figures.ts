import type { PullRequest, Push } from '../../../schemas/changes/code.ts';
import type { CodeFigures } from '../code-figures.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import type { RunFact } from '../types.ts';
import { commitsWithin } from '../../../core/domain/changes/code.ts';
import { branchLabel, OTHER, USUAL_DEFAULTS } from './pipeline-figures.ts';
import { median, nearestRank } from '../../../core/domain/reports/quantiles.ts';

/** What is known of a repository. */
export type RepositoryRecords = { pushes: readonly Push[]; pullRequests: readonly PullRequest[] };

/** A service with its repository. `path`: its folder in the repository; undefined: the whole repository. */
export type ServiceCode = {
  service: ServiceName;
  repository: RepositoryRecords | null;
  path: string | undefined;
  runs: readonly Pick<RunFact, 'branch' | 'default_branch' | 'coverage' | 'at'>[];
};

/**
 * Returns the figures of the code of some services. What several of them share counts once. In a folder of a repository, a
 * pull request belongs to a service if the push of its merge has a commit in the folder, so only merged ones are known.
 */
export function codeFigures(all: readonly ServiceCode[], window: { from: Timestamp; until: Timestamp }): CodeFigures {
  const isInWindow = (at: Timestamp | null): boolean => at !== null && at >= window.from && at <= window.until;
  const commits = new Set<string>();
  const pullRequests = new Map<string, PullRequest>();
  for (const { repository, path } of all) {
    if (repository === null) continue;
    const defaultBranchPushes = repository.pushes.filter(isDefaultBranch);
    for (const push of defaultBranchPushes.filter(({ received_at }) => isInWindow(received_at)))
      for (const { sha } of commitsWithin(push.commits, path)) commits.add(sha);
    for (const pullRequest of repository.pullRequests)
      if (path === undefined || isOfFolder(defaultBranchPushes, pullRequest, path))
        pullRequests.set(`${pullRequest.repository}#${pullRequest.number}`, pullRequest);
  }
  const distinct = [...pullRequests.values()];
  const merged = distinct.filter(({ merged_at: at }) => isInWindow(at));
  return {
    window,
    services: all.map(({ service }) => service),
    commits: commits.size,
    pull_requests: {
      opened: distinct.filter(({ opened_at: at }) => isInWindow(at)).length,
      merged: merged.length,
      closed: distinct.filter(({ closed_at: at, merged_at }) => merged_at === null && isInWindow(at)).length,
    },
    first_review: durations(
      distinct.filter(({ first_review_at: at }) => isInWindow(at)),
      'first_review_at',
    ),
    merge: durations(merged, 'merged_at'),
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

function durations(all: readonly PullRequest[], end: 'first_review_at' | 'merged_at'): CodeFigures['merge'] {
  const seconds = all.flatMap((pullRequest) => {
    const at = pullRequest[end];
    return at === null || at < pullRequest.opened_at ? [] : [secondsBetween(pullRequest.opened_at, at)];
  });
  return { count: seconds.length, median_s: median(seconds), p90_s: nearestRank(seconds, 0.9) };
}
