import { code } from '../../../domain/messages/markdown.ts';
import type { TargetResponse, Deployer, RollbackCall } from '../../../domain/rollback/targets.ts';
import type { GitRevert } from '../../../schemas/rollback/targets/github.ts';
import { Ended, refuse } from '../../shared/refusals.ts';
import { attempt, type Calls } from '../attempt.ts';
import { inProgressAfter, isDeploymentOf, displayName } from '../deployments/deployments.ts';
import { pullRequestAt, toBeMerged } from './pull-requests.ts';
import { bringBack, type Brought, findRevert, type RevertRequest } from './revert.ts';
import { badVersionOf, goodVersionOf, readEnvironmentState, type EnvironmentState, type Site } from '../site.ts';
import { runsOfCommit } from '../deployments/workflow-runs.ts';

/** Rolls back by reverting Git, and follows the deployment of the revert commit. */
export function viaRevert(site: Site, git: GitRevert): Pick<Deployer, 'rollBack' | 'status'> {
  return {
    rollBack: (request) =>
      attempt<TargetResponse>(site, site.repository, async (calls) => {
        const sight = await readEnvironmentState(calls, site, request);
        const { running } = sight;
        if (isDeploymentOf(goodVersionOf(request), running)) return { kind: 'succeeded', id: String(running.id) };
        const before = await findRevert(calls, git, revertOf(git, request));
        if (before !== null) return follow(calls, site, before, request, sight);
        if (!isDeploymentOf(badVersionOf(request), running))
          return { kind: 'superseded', current: displayName(running) };
        const [other] = inProgressAfter(sight.deployments, running);
        if (other)
          throw new Ended({ kind: 'busy', detail: `a deployment of ${displayName(other)} is ${other.state ?? 'new'}` });

        const done = await bringBack(calls, git, revertOf(git, request));
        if (done.kind === 'pull_request') return follow(calls, site, done, request, sight);
        if (done.sha === running.sha)
          throw refuse(
            `${git.branch} already has the content of ${request.to} and is running: there is nothing to revert in Git`,
          );
        return beingDeployed(done.sha);
      }),
    status: (handle, request) =>
      attempt<TargetResponse>(site, site.repository, async (calls) => {
        const [kind, id = ''] = handle.split('/');
        if (kind !== 'commit' && kind !== 'pull') throw refuse(`${handle} is neither a commit nor a pull request`);
        const found: Brought =
          kind === 'commit' ? { kind: 'committed', sha: id } : await pullRequestAt(calls, Number(id));
        return follow(calls, site, found, request);
      }),
  };
}

/** Returns the progress of an earlier revert with this key. */
async function follow(
  calls: Calls,
  site: Site,
  found: Brought,
  request: RollbackCall,
  seen?: EnvironmentState,
): Promise<TargetResponse> {
  if (found.kind === 'committed')
    return ofCommit(calls, found.sha, request, seen ?? (await readEnvironmentState(calls, site, request)));
  const { number, url, state, sha } = found;
  if (state === 'closed') return { kind: 'failed', detail: `${url} was closed without being merged` };
  if (state === 'open') return { kind: 'in_progress', id: url, handle: `pull/${number}`, waitsFor: toBeMerged(found) };
  if (sha === null) return { kind: 'in_progress', id: url, handle: `pull/${number}` };
  return ofCommit(calls, sha, request, seen ?? (await readEnvironmentState(calls, site, request)));
}

async function ofCommit(
  calls: Calls,
  sha: string,
  request: RollbackCall,
  { running, deployments }: EnvironmentState,
): Promise<TargetResponse> {
  if (running.sha === sha) return { kind: 'succeeded', id: String(running.id) };
  const own = deployments.filter((each) => each.sha === sha).toSorted((one, other) => other.id - one.id);
  const deployed = own.some(({ succeededAt }) => succeededAt !== null);
  if (deployed || !isDeploymentOf(badVersionOf(request), running))
    return { kind: 'superseded', current: displayName(running) };
  const [newest] = own;
  if (newest?.state === 'failure' || newest?.state === 'error')
    return { kind: 'failed', detail: `deployment ${newest.id} of the commit ${sha} ended with ${newest.state}` };
  return (newest === undefined ? await neverDeployed(calls, sha) : undefined) ?? beingDeployed(sha);
}

/**
 * Returns a failure if all runs ended before they deployed, because such runs create no deployment. Undefined if a
 * deployment can still start.
 */
async function neverDeployed(calls: Calls, sha: string): Promise<TargetResponse | undefined> {
  const runs = await runsOfCommit(calls, sha);
  const bad = runs.find(({ conclusion }) => conclusion !== null && BAD.includes(conclusion));
  if (bad === undefined || runs.some(({ status }) => status !== 'completed')) return undefined;
  return {
    kind: 'failed',
    detail: `${bad.html_url} ended with ${bad.conclusion ?? ''} before it deployed the commit ${sha}`,
  };
}

const BAD: readonly string[] = ['failure', 'cancelled', 'timed_out', 'startup_failure', 'action_required'];

const beingDeployed = (sha: string): TargetResponse => ({ kind: 'in_progress', id: sha, handle: `commit/${sha}` });

/** Returns the commit of this action on the branch; null if there is none yet. */
export async function ourCommit(calls: Calls, git: GitRevert, request: RollbackCall): Promise<string | null> {
  return (await findRevert(calls, git, revertOf(git, request)))?.sha ?? null;
}

const revertOf = ({ path }: GitRevert, request: RollbackCall): RevertRequest => ({
  path: path ?? null,
  to: request.toCommit ?? request.to,
  key: request.key,
  title: `Roll ${request.service} in ${request.environment} back from ${request.from} to ${request.to}`,
  body: [
    `Firebreak reverts ${path === undefined ? 'everything' : code(path)} to its state in ${code(request.to)}.`,
    `Incident ${request.incident}: ${code(request.reason)}`,
  ].join('\n\n'),
});
