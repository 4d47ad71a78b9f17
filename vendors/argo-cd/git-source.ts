import type { GitRevert } from '../github/schema.ts';
import { type Application, type Source, sourcesOf } from './application.ts';
import { type Deployment, settingsOf } from './deployments.ts';

/** The location of an application's manifests in Git. */
export type GitSource = {
  /** The index of the application's source. */
  source: number;
  /** Null for the root of the repository. */
  path: string | null;
};

/** The reason why Git can't roll an application back. */
export type NotRevertible = { notRevertible: string };

/** Finds the configured repository in the application's sources. */
export function gitSourceIn(application: Application, git: GitRevert): GitSource | NotRevertible {
  const sources = sourcesOf(application);
  const source = sources.length === 1 ? 0 : sources.findIndex(({ repoURL }) => isAddressOf(repoURL, git.repository));
  const gitSource = sources[source];
  if (gitSource === undefined) return { notRevertible: `none of its sources is in ${git.repository}` };
  if (git.path !== undefined) return { source, path: git.path };
  // Revert only the folder that Argo CD reads, so that other applications in the repository are not changed.
  if (!gitSource.path || sources.filter(({ repoURL }) => repoURL === gitSource.repoURL).length > 1)
    return { notRevertible: 'it has several folders in that repository: set the one to revert in `git.path`' };
  const path = gitSource.path.replaceAll(/^(?:\.?\/)+|(?<!\/)\/+$/g, '');
  return { source, path: path === '' || path === '.' ? null : path };
}

/** Matches all forms of a repository address: HTTPS or SSH, with or without `.git`. */
function isAddressOf(repoURL: string, repository: string): boolean {
  const address = repoURL.replace(/(?<!\/)\/+$/, '').replace(/\.git$/, '');
  return `/${address.replaceAll(':', '/')}`.toLowerCase().endsWith(`/${repository.toLowerCase()}`);
}

/**
 * Returns the commit whose content restores `target`. If something outside the folder differs, in the Application
 * itself or in a chart, a revert would restore only a part, so nothing is reverted.
 */
export function commitFor(
  application: Application,
  { running, target }: { running: Deployment; target: Deployment },
  { source }: GitSource,
  { branch }: GitRevert,
): { to: string } | NotRevertible {
  const sources = sourcesOf(application);
  const [current, to] = [sources[source], target.revisions[source]];
  if (application.spec.sourceHydrator)
    return { notRevertible: 'its manifests are hydrated from another branch, which is not supported' };
  if (current === undefined || to === undefined || sources.length !== target.sources.length)
    return { notRevertible: 'it had other sources at that time' };
  if (current.chart) return { notRevertible: `${current.chart} is a chart, not a folder in Git` };
  if (!followsBranch(current, branch))
    return { notRevertible: `it follows ${current.targetRevision ?? 'HEAD'}, and \`git.branch\` is ${branch}` };
  const differs = sources.some(
    (other, index) =>
      settingsOf(other) !== settingsOf(target.sources[index] ?? current) ||
      // Sources in the same repository are reverted together.
      (other.repoURL !== current.repoURL && running.revisions[index] !== target.revisions[index]),
  );
  return differs
    ? {
        notRevertible:
          'the difference is not only in that repository, but also in the Application itself or in another of its sources',
      }
    : { to };
}

/**
 * Returns whether the application follows the branch. An application that is pinned to a tag or commit doesn't sync new
 * commits of the branch.
 */
const followsBranch = ({ targetRevision }: Source, branch: string): boolean =>
  ['', 'HEAD', branch, `refs/heads/${branch}`].includes(targetRevision ?? '');
