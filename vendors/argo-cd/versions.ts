import type { RollbackCall } from '../../core/domain/rollback/targets.ts';
import type { Application, Source } from './application.ts';
import { contentHash, type Deployment, historyOf, isSameContent, displayName } from './deployments.ts';

/** A commit, which can be abbreviated to at least 7 digits, Git's own minimum. */
const SHORT_COMMIT = /^[0-9a-f]{7,}$/i;

/** Returns whether the deployment shows the version or its commit. */
export const isNamed = (deployment: Deployment, name: string): boolean =>
  deployment.revisions.some((revision) => isRevision(revision, name)) ||
  deployment.sources.some((source) => versionNamesOf(source).includes(name));

const isRevision = (revision: string, name: string): boolean =>
  revision === name || (SHORT_COMMIT.test(name) && revision.startsWith(name.toLowerCase()));

/** Returns the tags and versions that the Application itself sets: chart versions, Git tags, and image overrides. */
const versionNamesOf = ({ targetRevision, kustomize, helm }: Source): string[] => [
  ...(targetRevision ? [targetRevision] : []),
  ...(kustomize?.images ?? []).flatMap(tagOf),
  ...(helm?.parameters ?? []).flatMap(({ name, value }) =>
    value && /(?:tag|version)$/i.test(name ?? '') ? [value] : [],
  ),
];

/** Returns the tag of `registry:5000/name:tag@digest`, which kustomize can prefix with `name=`. */
const tagOf = (image: string): string[] => {
  const [, tag] = /:([^/:]+)$/.exec(image.split('=').at(-1)?.split('@', 1)[0] ?? '') ?? [];
  return tag === undefined ? [] : [tag];
};

/** Returns whether `from` runs. If the history doesn't contain it, checks the running images. */
export function isFrom(
  application: Application,
  running: Deployment,
  { from, fromCommit }: Pick<RollbackCall, 'from' | 'fromCommit'>,
): boolean {
  const runsFrom = (deployment: Deployment) =>
    isNamed(deployment, from) || (fromCommit !== null && isNamed(deployment, fromCommit));
  if (runsFrom(running)) return true;
  if (historyOf(application).some(runsFrom)) return false;
  return (application.status.summary?.images ?? []).flatMap(tagOf).includes(from);
}

export type FoundTarget =
  | { kind: 'found'; deployment: Deployment & { id: number } }
  | { kind: 'not_found'; detail: string };

/**
 * Finds the deployment in the history that `to` or its commit names. Repeated deployments of the same content count as
 * one, with the newest ID. Two different deployments are ambiguous, and neither is chosen.
 */
export function findTarget(
  application: Application,
  { to, toCommit }: Pick<RollbackCall, 'to' | 'toCommit'>,
): FoundTarget {
  const history = newestOfEach(historyOf(application));
  const byVersion = history.filter((deployment) => isNamed(deployment, to));
  const byCommit = toCommit === null ? [] : history.filter((deployment) => isNamed(deployment, toCommit));
  const both = byVersion.filter((deployment) => byCommit.some((other) => isSameContent(other, deployment)));
  const candidates = byVersion.length > 0 && byCommit.length > 0 ? both : [...byVersion, ...byCommit];

  const wanted = toCommit === null || toCommit === to ? to : `${to} (commit ${toCommit})`;
  const name = application.metadata.name;
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0 && only.id !== null)
    return { kind: 'found', deployment: { ...only, id: only.id } };
  if (only !== undefined)
    return notFound(`more than one deployment of ${name} matches ${wanted}: ${listed(candidates)}`);
  if (byVersion.length > 0)
    return notFound(
      `${to} and ${toCommit ?? ''} are different deployments of ${name}: ${listed([...byVersion, ...byCommit])}`,
    );
  return notFound(
    `the history of ${name} has no ${wanted}; it has ${history.length === 0 ? 'nothing' : listed(history)}. Record ` +
      'deployments with the commit that Argo CD syncs, and keep enough of them (revisionHistoryLimit)',
  );
}

const notFound = (detail: string): FoundTarget => ({ kind: 'not_found', detail });

const newestOfEach = (history: readonly Deployment[]): Deployment[] => [
  ...new Map(history.map((deployment) => [contentHash(deployment), deployment])).values(),
];

/** Maximum number of deployments in a message. */
const LISTED_MAX = 10;

const listed = (deployments: readonly Deployment[]): string =>
  deployments
    .toReversed()
    .slice(0, LISTED_MAX)
    .map((deployment) => `${deployment.id ?? '?'}: ${descriptionOf(deployment)}`)
    .join(', ');

const descriptionOf = (deployment: Deployment): string => {
  const names = [...new Set(deployment.sources.flatMap(versionNamesOf))].filter(
    (name) => !deployment.revisions.includes(name),
  );
  const revision = displayName({ ...deployment, revisions: deployment.revisions.map(shortRevision) });
  return names.length === 0 ? revision : `${revision} (${names.join(', ')})`;
};

const shortRevision = (revision: string): string =>
  /^[0-9a-f]{40,}$/.test(revision) ? revision.slice(0, 7) : revision;
