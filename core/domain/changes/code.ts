import type { PullRequest, PullRequestReport, Push, PushedCommit } from '../../../schemas/changes/code.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** Maximum number of commits of a change. */
const COMMITS_MAX = 500;

/** The commits of a deployment. `commits`: null if they are not all known. */
export type DeployedCommits = { committed_at: Timestamp | null; commits: PushedCommit[] | null };

/**
 * Returns when a deployed commit was made, and all commits since the previously deployed one, oldest first. Follows the
 * pushes of one branch from one to the next; commits are never taken from an incomplete row of pushes. Undefined: no
 * push contains the commit.
 *
 * @param pushes newest first
 * @param previous the commit that ran before. Null: not known
 */
export function deployedCommits(
  pushes: readonly Push[],
  commit: string,
  previous: string | null,
): DeployedCommits | undefined {
  const containing = pushes.filter((push) => indexOfCommit(push, commit) >= 0);
  const [first] = containing;
  if (first === undefined) return undefined;
  const committed_at = first.commits[indexOfCommit(first, commit)]?.committed_at ?? null;
  if (previous === null || previous === commit) return { committed_at, commits: null };
  for (const push of containing) {
    const commits = commitsSince(pushes, push, commit, previous);
    if (commits !== undefined) return { committed_at, commits: commits.slice(-COMMITS_MAX) };
  }
  return { committed_at, commits: null };
}

/** Walks back from one push to the one before it on the branch, until it reaches the previous commit. */
function commitsSince(
  pushes: readonly Push[],
  last: Push,
  commit: string,
  previous: string,
): PushedCommit[] | undefined {
  let found: PushedCommit[] = [];
  let push: Push | undefined = last;
  const seen = new Set<Push>();
  while (push !== undefined && !seen.has(push)) {
    seen.add(push);
    const { branch, before, commits, truncated }: Push = push;
    const until: PushedCommit[] = push === last ? commits.slice(0, indexOfCommit(push, commit) + 1) : commits;
    const at = until.findIndex(({ sha }) => sha === previous);
    found = [...until.slice(at + 1), ...found];
    if (at >= 0 || before === previous) return truncated && at < 0 ? undefined : found;
    if (truncated || before === null) return undefined;
    push = pushes.find((other) => other.branch === branch && other.after === before);
  }
  return undefined;
}

const indexOfCommit = ({ commits }: Push, sha: string): number => commits.findIndex((commit) => commit.sha === sha);

/** Returns the commits that change a file in a folder, or of which the files are not known. */
export const commitsWithin = (commits: readonly PushedCommit[], folder: string | undefined): PushedCommit[] => {
  if (folder === undefined) return [...commits];
  const prefix = `${folder.replace(/(?<!\/)\/+$/, '')}/`;
  return commits.filter(({ paths }) => paths === null || paths.some((path) => path.startsWith(prefix)));
};

/**
 * Returns a pull request after another event about it. The newest event decides, by the forge's own times; a merge and
 * the first review stay.
 */
export function mergedPullRequest(known: PullRequest | undefined, report: PullRequestReport): PullRequest {
  const { review, ...state } = report;
  const newest = known === undefined || state.updated_at > known.updated_at ? state : { ...state, ...known };
  const isTie = known !== undefined && state.updated_at === known.updated_at;
  const decided =
    isTie && JSON.stringify(comparedFields(state)) > JSON.stringify(comparedFields(known))
      ? { ...known, ...state }
      : newest;
  return {
    ...decided,
    // GitLab names the author only in the author's own events.
    author: decided.author ?? known?.author ?? state.author,
    first_review_at: earliest(known?.first_review_at ?? null, review?.at ?? null),
    approved_at: earliest(known?.approved_at ?? null, review?.approves === true ? review.at : null),
    merged_at: earliest(known?.merged_at ?? null, state.merged_at),
    // Before the merge, this is the commit of a trial merge.
    merge_commit: (state.merged_at === null ? null : state.merge_commit) ?? known?.merge_commit ?? null,
    closed_at: earliest(known?.merged_at ?? null, state.merged_at) === null ? decided.closed_at : null,
  };
}

/** The fields by which two events of the same time are compared: without those that other events fill. */
const comparedFields = ({
  title,
  url,
  base,
  head,
  labels,
  draft,
  closed_at,
  reverts,
}: Omit<PullRequestReport, 'review'>) => [title, url, base, head, labels, draft, closed_at, reverts];

const earliest = (time: Timestamp | null, other: Timestamp | null): Timestamp | null =>
  time === null || (other !== null && other < time) ? other : time;

/**
 * Returns what a pull request reverts: GitHub titles it `Revert "…"` and writes `Reverts owner/name#12`; GitLab writes
 * `This reverts merge request !12` or `This reverts commit …`. Null: it is no revert.
 */
export function revertedBy(title: string, body: string): PullRequest['reverts'] {
  const number = /^[ \t]*(?:Reverts [\w.-]+\/[\w./-]+#|This reverts merge request !)(\d{1,10})\b/im.exec(body)?.[1];
  const commit = /^[ \t]*This reverts commit ([0-9a-f]{7,64})\b/im.exec(body)?.[1];
  if (number === undefined && commit === undefined && !/^Revert[: ]+"/i.test(title)) return null;
  return { number: number === undefined ? null : Number(number), commit: commit ?? null };
}
