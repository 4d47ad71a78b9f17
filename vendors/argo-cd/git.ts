import type { Clock } from '../../core/domain/ports/system.ts';
import type { RollbackCall, TargetResponse } from '../../core/domain/rollback/targets.ts';
import { type GitReverter, mergeRequired, type Reverted } from '../github/revert.ts';
import type { GitRevert } from '../github/schema.ts';
import { refuse } from '../shared/refusals.ts';
import { truncate } from '../shared/text.ts';
import {
  type Application,
  type Deployment,
  deploymentOfState,
  failureOf,
  type GitHandle,
  hasFailed,
  isHealthFresh,
  MESSAGE_MAX_CHARS,
  newestHistoryId,
  operationInProgress,
  resultByHealth,
  runningIn,
  settingsOf,
  type Source,
  sourcesOf,
  writeHandle,
} from './application.ts';
import { blockingWindows, type Calls } from './rest.ts';

/** The location of an application's manifests in Git. */
type GitSource = {
  /** The index of the application's source. */
  source: number;
  /** Null for the root of the repository. */
  path: string | null;
};

/** The reason why Git can't roll an application back. */
type NotRevertible = { notRevertible: string };

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
function commitFor(
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

/** The reverter for Git and its configuration. */
export type Git = { config: GitRevert; reverter: GitReverter };

/** The result of a revert with a key: a commit, a pull request, or no change needed. */
type RevertResult = Extract<Reverted, { kind: 'committed' | 'pull_request' | 'unchanged' }>;

/**
 * Reverts Git. Automated sync then rolls the cluster back.
 * @throws Ended if automated sync would not roll the cluster back
 */
export async function revertInGit(
  calls: Calls,
  git: Git,
  { application, running, target }: { application: Application; running: Deployment; target: Deployment },
  request: RollbackCall,
): Promise<TargetResponse> {
  const { name } = application.metadata;
  const source = orRefuse(application, gitSourceIn(application, git.config));
  const { to } = orRefuse(application, commitFor(application, { running, target }, source, git.config));
  const blockedBy = blockingWindows(await calls.windows(), 'automated');
  if (blockedBy !== null)
    throw refuse(`automated sync of ${name} is waiting, so a revert in Git would have no effect now: ${blockedBy}`);
  const { path } = source;
  const response = await git.reverter.revert({
    path,
    to,
    key: request.key,
    ...textsOf(request, application, { path, to }, git),
  });
  return 'detail' in response ? response : startedRevert(response, handleOf(application, source, response));
}

/** @throws Ended if Git can't roll the application back */
function orRefuse<T extends object>({ metadata }: Application, result: T | NotRevertible): T {
  if ('notRevertible' in result)
    throw refuse(`${metadata.name} has automated sync, and a revert in Git is not possible: ${result.notRevertible}`);
  return result;
}

/**
 * Returns the handle of a revert. Uses the application's current state as the state before the revert, also for a
 * revert that is found again, whose original state is not known any more.
 */
export const handleOf = (application: Application, { source, path }: GitSource, revert: RevertResult): GitHandle => ({
  by: 'git',
  sha: revert.sha,
  source,
  path,
  after: newestHistoryId(application),
  head: headRevision(application, source),
  health: application.status.health?.status ?? null,
});

const headRevision = ({ status }: Application, source: number): string | null =>
  status.sync?.revisions?.[source] ?? status.sync?.revision ?? null;

function startedRevert(revert: RevertResult, handle: GitHandle): TargetResponse {
  if (revert.kind === 'pull_request' && revert.state === 'closed') return failedAsClosed(revert);
  return { kind: 'in_progress', id: idOf(revert), handle: writeHandle(handle), ...waitsForMerge(revert) };
}

/** An open pull request waits for a person; a sync doesn't. */
const waitsForMerge = (revert: RevertResult): { waitsFor?: string } =>
  revert.kind === 'pull_request' && revert.state === 'open' ? { waitsFor: mergeRequired(revert) } : {};

const idOf = (revert: RevertResult): string => (revert.kind === 'pull_request' ? revert.url : revert.sha);

const failedAsClosed = ({ url }: { url: string }): TargetResponse => ({
  kind: 'failed',
  detail: `the pull request ${url} was closed without being merged, so Git was not reverted`,
});

/** Follows a revert: the pull request until it is merged, then the sync of its commit, then the health. */
export async function followRevert(
  calls: Calls,
  clock: Clock,
  { reverter }: Pick<Git, 'reverter'>,
  handle: GitHandle,
  key: string,
): Promise<TargetResponse> {
  const progress: TargetResponse = { kind: 'in_progress', id: handle.sha, handle: writeHandle(handle) };
  if (handle.sha !== null) return followSync(calls, clock, handle, handle.sha, progress);
  const revert = await reverter.find({ path: handle.path, key });
  if (revert === null) return progress;
  if ('detail' in revert) return revert;
  if (revert.kind === 'pull_request' && revert.state === 'closed') return failedAsClosed(revert);
  if (revert.sha === null) return { ...progress, id: idOf(revert), ...waitsForMerge(revert) };
  return followSync(calls, clock, handle, revert.sha, { ...progress, id: idOf(revert) });
}

/**
 * Checks the sync of the commit. Refreshes the application if needed, because Argo CD polls Git only every few minutes.
 */
async function followSync(
  calls: Calls,
  clock: Clock,
  handle: GitHandle,
  sha: string,
  progress: TargetResponse,
): Promise<TargetResponse> {
  const current = await calls.application();
  const isKnown = headRevision(current, handle.source) === sha && isHealthFresh(current);
  const application = isKnown ? current : await calls.application({ refresh: true });
  const response = outcomeOf(application, handle, sha);
  if (response === 'in_progress') return progress;
  if (response !== 'synced') return response;
  return resultByHealth(application, { before: handle.health, progress, id: sha, clock });
}

/**
 * Returns the state of the sync. A later commit on the branch contains the revert, so the synced revision can differ
 * from `sha`.
 */
function outcomeOf(
  application: Application,
  handle: GitHandle,
  sha: string,
): TargetResponse | 'in_progress' | 'synced' {
  if (operationInProgress(application)) return 'in_progress';
  const { name } = application.metadata;
  const head = headRevision(application, handle.source);
  const hasSeen = head === sha || head !== handle.head;
  const last = application.status.operationState;
  const revision = last && deploymentOfState(application, last)?.revisions[handle.source];
  if (last && hasFailed(last) && hasSeen && (revision === sha || revision === head))
    return { kind: 'failed', detail: truncate(`sync of ${sha}: ${failureOf(last)}`, MESSAGE_MAX_CHARS) };

  const isSynced = application.status.sync?.status === 'Synced';
  const isNew = (newestHistoryId(application) ?? -1) > (handle.after ?? -1);
  if (isNew && (runningIn(application)?.revisions[handle.source] === sha || (hasSeen && isSynced))) return 'synced';
  if (!hasSeen || !isSynced) return 'in_progress';
  return {
    kind: 'failed',
    detail:
      `Git was reverted by ${sha}, and ${name} is synced to it, but the sync changed nothing: the difference ` +
      `is not below ${handle.path ?? 'the root'}. Set the folder that contains it in \`git.path\``,
  };
}

function textsOf(
  { service, environment, from, to, incident, reason, key }: RollbackCall,
  { metadata }: Application,
  restored: { path: string | null; to: string },
  { config }: Git,
): { title: string; body: string } {
  return {
    title: `Roll back ${service} in ${environment} to ${to}`,
    body: [
      reason,
      `This rolls back ${service} in ${environment} from ${from} to ${to}. Argo CD syncs the application ${metadata.name} ` +
        `from Git by itself, so Git is what has to change: ${restored.path ?? 'all'} of ${config.repository} gets back what it had at ` +
        `${restored.to}.`,
      `Incident ${incident} · ${key}`,
    ].join('\n\n'),
  };
}
