import type { MergedPullRequest } from '../../../schemas/changes/code.ts';
import type { DeliveryConfig } from '../config.ts';
import type { DeployRecord } from '../deploy-record.ts';
import type { DoraDeploy } from '../dora.ts';

type Rework = Pick<DoraDeploy, 'rework' | 'rework_pull_request'>;

/** Merged pull requests that are rework, by the SHA of their merge. */
export type ReworkByCommit = ReadonlyMap<string, Rework>;

/** Selects the reverts and the hotfixes. */
export function reworkByCommit(
  merged: readonly MergedPullRequest[],
  { rework: { hotfixLabels, hotfixBranches } }: Pick<DeliveryConfig, 'rework'>,
): ReworkByCommit {
  const labels = hotfixLabels.map(matcher);
  const branches = hotfixBranches.map(matcher);
  return new Map(
    merged.flatMap((pullRequest): [string, Rework][] => {
      const isHotfix =
        pullRequest.labels.some((label) => labels.some((matches) => matches(label))) ||
        branches.some((matches) => matches(pullRequest.head));
      const rework = isRevert(pullRequest) ? 'revert' : isHotfix ? 'hotfix' : null;
      const { repository, number } = pullRequest;
      return rework === null
        ? []
        : [[pullRequest.merge_commit, { rework, rework_pull_request: { repository, number } }]];
    }),
  );
}

/** A revert of a revert brings the change back, which is no rework. */
function isRevert({ reverts, title }: MergedPullRequest): boolean {
  const [prefix = ''] = /^(?:Revert[: ]+")*/i.exec(title) ?? [];
  const depth = prefix.match(/Revert/gi)?.length ?? 0;
  return reverts !== null && (depth === 0 || depth % 2 === 1);
}

/** Returns whether a text matches a pattern with `*`, in any case. */
function matcher(pattern: string): (text: string) => boolean {
  const [first = '', ...rest] = pattern.toLowerCase().split('*');
  const last = rest.pop();
  return (text) => {
    const all = text.toLowerCase();
    if (last === undefined) return all === first;
    if (!all.startsWith(first)) return false;
    let at = first.length;
    for (const part of rest) {
      const found = all.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return all.length - last.length >= at && all.endsWith(last);
  };
}

/**
 * Returns the deploys and rollbacks that are rework, by ID. Each pull request counts once, in the first deploy that has
 * its commit.
 *
 * @param records those of one service and environment, oldest first
 */
export function reworkOf(records: readonly DeployRecord[], byCommit: ReworkByCommit): Map<string, Rework> {
  const seen = new Set<string>();
  const found = new Map<string, Rework>();
  for (const record of records) {
    const { id, kind } = record;
    if (kind === 'rollback') {
      found.set(id, { rework: kind, rework_pull_request: null });
      continue;
    }
    const shas = shasOf(record).filter((sha) => byCommit.has(sha) && !seen.has(sha));
    for (const sha of shas) seen.add(sha);
    const hotfixRework: Rework | undefined =
      kind === 'hotfix' ? { rework: kind, rework_pull_request: null } : undefined;
    const reworkOfCommits = shas.map((sha) => byCommit.get(sha)).filter((pullRequest) => pullRequest !== undefined);
    const rework =
      hotfixRework ?? reworkOfCommits.find((pullRequest) => pullRequest.rework === 'revert') ?? reworkOfCommits[0];
    if (rework !== undefined) found.set(id, rework);
  }
  return found;
}

/** The version can be the SHA. */
const shasOf = ({ commits, undated = [], version }: DeployRecord): string[] => [
  ...new Set([...commits.map(([sha]) => sha), ...undated, version]),
];
