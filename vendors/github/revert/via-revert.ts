import { code } from '../../../core/domain/messages/markdown.ts';
import type { TargetResponse, Deployer, RollbackCall } from '../../../core/domain/rollback/targets.ts';
import type { GitRevert } from '../schema.ts';
import { Ended, refuse } from '../../shared/refusals.ts';
import { attempt, type Calls } from '../attempt.ts';
import { inProgressAfter, isDeploymentOf, displayName } from '../deployments/deployments.ts';
import { readPullRequest, mergeRequired } from './pull-requests.ts';
import { createRevert, type Revert, findRevert, type RevertRequest } from './revert.ts';
import { readEnvironmentState, type EnvironmentState, type GithubEnvironment } from '../environment-state.ts';
import { runsOfCommit } from '../deployments/workflow-runs.ts';
import { fromVersion, toVersion } from '../../shared/versions.ts';

/** Rolls back by reverting Git, and follows the deployment of the revert commit. */
export function viaRevert(target: GithubEnvironment, git: GitRevert): Pick<Deployer, 'rollBack' | 'status'> {
  return {
    rollBack: (request) =>
      attempt<TargetResponse>(target, target.repository, async (calls) => {
        const state = await readEnvironmentState(calls, target, request);
        const { running } = state;
        if (isDeploymentOf(toVersion(request), running)) return { kind: 'succeeded', id: String(running.id) };
        const earlierRevert = await findRevert(calls, git, revertRequest(git, request));
        if (earlierRevert !== null) return follow(calls, target, earlierRevert, request, state);
        if (!isDeploymentOf(fromVersion(request), running))
          return { kind: 'superseded', current: displayName(running) };
        const [other] = inProgressAfter(state.deployments, running);
        if (other)
          throw new Ended({ kind: 'busy', detail: `a deployment of ${displayName(other)} is ${other.state ?? 'new'}` });

        const revert = await createRevert(calls, git, revertRequest(git, request));
        if (revert.kind === 'pull_request') return follow(calls, target, revert, request, state);
        if (revert.sha === running.sha)
          throw refuse(
            `${git.branch} already has the content of ${request.to} and is running: there is nothing to revert in Git`,
          );
        return awaitDeployment(revert.sha);
      }),
    status: (handle, request) =>
      attempt<TargetResponse>(target, target.repository, async (calls) => {
        const [kind, id = ''] = handle.split('/');
        if (kind !== 'commit' && kind !== 'pull') throw refuse(`${handle} is neither a commit nor a pull request`);
        const revert: Revert =
          kind === 'commit' ? { kind: 'committed', sha: id } : await readPullRequest(calls, Number(id));
        return follow(calls, target, revert, request);
      }),
  };
}

/** Returns the progress of an earlier revert with this key. */
async function follow(
  calls: Calls,
  target: GithubEnvironment,
  revert: Revert,
  request: RollbackCall,
  lastRead?: EnvironmentState,
): Promise<TargetResponse> {
  if (revert.kind === 'committed')
    return progressOfCommit(
      calls,
      revert.sha,
      request,
      lastRead ?? (await readEnvironmentState(calls, target, request)),
    );
  const { number, url, state, sha } = revert;
  if (state === 'closed') return { kind: 'failed', detail: `${url} was closed without being merged` };
  if (state === 'open')
    return { kind: 'in_progress', id: url, handle: `pull/${number}`, waitsFor: mergeRequired(revert) };
  if (sha === null) return { kind: 'in_progress', id: url, handle: `pull/${number}` };
  return progressOfCommit(calls, sha, request, lastRead ?? (await readEnvironmentState(calls, target, request)));
}

async function progressOfCommit(
  calls: Calls,
  sha: string,
  request: RollbackCall,
  { running, deployments }: EnvironmentState,
): Promise<TargetResponse> {
  if (running.sha === sha) return { kind: 'succeeded', id: String(running.id) };
  const ofCommit = deployments
    .filter((deployment) => deployment.sha === sha)
    .toSorted((one, other) => other.id - one.id);
  const deployed = ofCommit.some(({ succeededAt }) => succeededAt !== null);
  if (deployed || !isDeploymentOf(fromVersion(request), running))
    return { kind: 'superseded', current: displayName(running) };
  const [newest] = ofCommit;
  if (newest?.state === 'failure' || newest?.state === 'error')
    return { kind: 'failed', detail: `deployment ${newest.id} of the commit ${sha} ended with ${newest.state}` };
  return (newest === undefined ? await failureBeforeDeployment(calls, sha) : undefined) ?? awaitDeployment(sha);
}

/**
 * Returns a failure if all runs ended before they deployed, because such runs create no deployment. Undefined if a
 * deployment can still start.
 */
async function failureBeforeDeployment(calls: Calls, sha: string): Promise<TargetResponse | undefined> {
  const runs = await runsOfCommit(calls, sha);
  const failed = runs.find(({ conclusion }) => conclusion !== null && FAILED_CONCLUSIONS.includes(conclusion));
  if (failed === undefined || runs.some(({ status }) => status !== 'completed')) return undefined;
  return {
    kind: 'failed',
    detail: `${failed.html_url} ended with ${failed.conclusion ?? ''} before it deployed the commit ${sha}`,
  };
}

const FAILED_CONCLUSIONS: readonly string[] = [
  'failure',
  'cancelled',
  'timed_out',
  'startup_failure',
  'action_required',
];

const awaitDeployment = (sha: string): TargetResponse => ({ kind: 'in_progress', id: sha, handle: `commit/${sha}` });

/** Returns the commit of this action on the branch; null if there is none yet. */
export async function revertCommit(calls: Calls, git: GitRevert, request: RollbackCall): Promise<string | null> {
  return (await findRevert(calls, git, revertRequest(git, request)))?.sha ?? null;
}

const revertRequest = ({ path }: GitRevert, request: RollbackCall): RevertRequest => ({
  path: path ?? null,
  to: request.toCommit ?? request.to,
  key: request.key,
  title: `Roll ${request.service} in ${request.environment} back from ${request.from} to ${request.to}`,
  body: [
    `Firebreak reverts ${path === undefined ? 'everything' : code(path)} to its state in ${code(request.to)}.`,
    `Incident ${request.incident}: ${code(request.reason)}`,
  ].join('\n\n'),
});
