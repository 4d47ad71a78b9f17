import type { Clock } from '../../domain/ports/system.ts';
import type { TargetResponse, RollbackCall } from '../../domain/rollback/targets.ts';
import type { GitRevert } from '../../schemas/rollback/targets/github.ts';
import { toBeMerged } from '../github/revert/pull-requests.ts';
import type { GitReverter, Reverted } from '../github/revert/revert.ts';
import { truncate } from '../shared/text.ts';
import { type Application, newestId } from './application.ts';
import { broughtByState, type Deployment, runningIn } from './deployments.ts';
import { commitFor, type NotRevertible, gitSourceIn, type GitSource } from './git-source.ts';
import { type GitHandle, writeHandle } from './handle.ts';
import { isFresh, settled } from './health.ts';
import { MESSAGE_MAX_CHARS } from './limits.ts';
import { failureOf, hasFailed, operationInProgress } from './operations.ts';
import { refuse } from '../shared/refusals.ts';
import { type Calls } from './rest.ts';
import { blocking } from './windows.ts';

/** The reverter for Git and its configuration. */
export type Git = { config: GitRevert; reverter: GitReverter };

/** The result of a revert with a key: a commit, a pull request, or no change needed. */
type Brought = Extract<Reverted, { kind: 'committed' | 'pull_request' | 'unchanged' }>;

/**
 * Reverts Git. Automated sync then rolls the cluster back.
 * @throws Ended if automated sync would not roll the cluster back
 */
export async function bringBack(
  calls: Calls,
  git: Git,
  { application, running, target }: { application: Application; running: Deployment; target: Deployment },
  request: RollbackCall,
): Promise<TargetResponse> {
  const { name } = application.metadata;
  const source = inGit(application, gitSourceIn(application, git.config));
  const { to } = inGit(application, commitFor(application, { running, target }, source, git.config));
  const closed = blocking(await calls.windows(), 'automated');
  if (closed !== null)
    throw refuse(`automated sync of ${name} is waiting, so a revert in Git would have no effect now: ${closed}`);
  const { path } = source;
  const answer = await git.reverter.revert({
    path,
    to,
    key: request.key,
    ...textsOf(request, application, { path, to }, git),
  });
  return 'detail' in answer ? answer : begun(answer, handleIn(application, source, answer));
}

/** @throws Ended if Git can't roll the application back */
function inGit<T extends object>({ metadata }: Application, found: T | NotRevertible): T {
  if ('notRevertible' in found)
    throw refuse(`${metadata.name} has automated sync, and a revert in Git is not possible: ${found.notRevertible}`);
  return found;
}

/**
 * Returns the handle of a revert. Uses the application's current state as the state before the revert, also for a
 * revert that is found again, whose original state is not known any more.
 */
export const handleIn = (application: Application, { source, path }: GitSource, brought: Brought): GitHandle => ({
  by: 'git',
  sha: brought.sha,
  source,
  path,
  after: newestId(application),
  head: headIn(application, source),
  health: application.status.health?.status ?? null,
});

const headIn = ({ status }: Application, source: number): string | null =>
  status.sync?.revisions?.[source] ?? status.sync?.revision ?? null;

function begun(brought: Brought, handle: GitHandle): TargetResponse {
  if (brought.kind === 'pull_request' && brought.state === 'closed') return closed(brought);
  return { kind: 'in_progress', id: idOf(brought), handle: writeHandle(handle), ...waiting(brought) };
}

/** An open pull request waits for a person; a sync doesn't. */
const waiting = (brought: Brought): { waitsFor?: string } =>
  brought.kind === 'pull_request' && brought.state === 'open' ? { waitsFor: toBeMerged(brought) } : {};

const idOf = (brought: Brought): string => (brought.kind === 'pull_request' ? brought.url : brought.sha);

const closed = ({ url }: { url: string }): TargetResponse => ({
  kind: 'failed',
  detail: `the pull request ${url} was closed without being merged, so Git was not reverted`,
});

/** Follows a revert: the pull request until it is merged, then the sync of its commit, then the health. */
export async function followGit(
  calls: Calls,
  clock: Clock,
  { reverter }: Pick<Git, 'reverter'>,
  handle: GitHandle,
  key: string,
): Promise<TargetResponse> {
  const goesOn: TargetResponse = { kind: 'in_progress', id: handle.sha, handle: writeHandle(handle) };
  if (handle.sha !== null) return synced(calls, clock, handle, handle.sha, goesOn);
  const found = await reverter.find({ path: handle.path, key });
  if (found === null) return goesOn;
  if ('detail' in found) return found;
  if (found.kind === 'pull_request' && found.state === 'closed') return closed(found);
  if (found.sha === null) return { ...goesOn, id: idOf(found), ...waiting(found) };
  return synced(calls, clock, handle, found.sha, { ...goesOn, id: idOf(found) });
}

/**
 * Checks the sync of the commit. Refreshes the application if needed, because Argo CD polls Git only every few minutes.
 */
async function synced(
  calls: Calls,
  clock: Clock,
  handle: GitHandle,
  sha: string,
  goesOn: TargetResponse,
): Promise<TargetResponse> {
  const current = await calls.application();
  const isKnown = headIn(current, handle.source) === sha && isFresh(current);
  const application = isKnown ? current : await calls.application({ refresh: true });
  const answer = outcomeOf(application, handle, sha);
  if (answer === 'goes_on') return goesOn;
  if (answer !== 'synced') return answer;
  return settled(application, { before: handle.health, goesOn, id: sha, clock });
}

/**
 * Returns the state of the sync. A later commit on the branch contains the revert, so the synced revision can differ
 * from `sha`.
 */
function outcomeOf(application: Application, handle: GitHandle, sha: string): TargetResponse | 'goes_on' | 'synced' {
  if (operationInProgress(application)) return 'goes_on';
  const { name } = application.metadata;
  const head = headIn(application, handle.source);
  const hasSeen = head === sha || head !== handle.head;
  const last = application.status.operationState;
  const revision = last && broughtByState(application, last)?.revisions[handle.source];
  if (last && hasFailed(last) && hasSeen && (revision === sha || revision === head))
    return { kind: 'failed', detail: truncate(`sync of ${sha}: ${failureOf(last)}`, MESSAGE_MAX_CHARS) };

  const isSynced = application.status.sync?.status === 'Synced';
  const isNew = (newestId(application) ?? -1) > (handle.after ?? -1);
  if (isNew && (runningIn(application)?.revisions[handle.source] === sha || (hasSeen && isSynced))) return 'synced';
  if (!hasSeen || !isSynced) return 'goes_on';
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
  where: { path: string | null; to: string },
  { config }: Git,
): { title: string; body: string } {
  return {
    title: `Roll back ${service} in ${environment} to ${to}`,
    body: [
      reason,
      `This rolls back ${service} in ${environment} from ${from} to ${to}. Argo CD syncs the application ${metadata.name} ` +
        `from Git by itself, so Git is what has to change: ${where.path ?? 'all'} of ${config.repository} gets back what it had at ` +
        `${where.to}.`,
      `Incident ${incident} · ${key}`,
    ].join('\n\n'),
  };
}
