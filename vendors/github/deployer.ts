import { decodeTime } from 'ulid';
import { code } from '../../core/domain/messages/markdown.ts';
import type { Deployer, DriftCheck, RollbackCall, TargetResponse } from '../../core/domain/rollback/targets.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { Ended, refuse } from '../shared/refusals.ts';
import { fromVersion, toVersion } from '../shared/versions.ts';
import {
  type Deployment,
  displayName,
  type EnvironmentState,
  type GithubEnvironment,
  inProgressAfter,
  isDeploymentOf,
  readEnvironmentState,
} from './deployments.ts';
import { attempt, type Calls } from './rest.ts';
import { createRevert, findRevert, mergeRequired, readPullRequest, type Revert, type RevertRequest } from './revert.ts';
import type { GithubDeployer, GitRevert } from './schema.ts';
import * as runs from './workflow-runs.ts';

/**
 * Creates a deployer for a service that GitHub Actions, or another tool that creates GitHub deployments, deploys
 * (docs/how-to/github.md).
 */
export function githubDeployer(config: GithubDeployer, target: GithubEnvironment): Deployer {
  const { repository, environment } = target;
  const git = config.via === 'revert' ? gitOf(config, repository) : undefined;
  return {
    target: `GitHub ${repository}, environment ${environment}`,
    // One run can deploy several services.
    resource: `github ${JSON.stringify([repository.toLowerCase(), environment.toLowerCase()])}`,
    effectClass: 'findable',
    ...(git === undefined ? viaRerun(target) : viaRevert(target, git)),
    checkDrift: (request) => checkDrift(target, git, request),
  };
}

const gitOf = ({ branch, path, mode }: GithubDeployer, repository: string): GitRevert => ({
  repository,
  branch,
  mode,
  ...(path !== undefined && { path }),
});

async function checkDrift(
  target: GithubEnvironment,
  git: GitRevert | undefined,
  request: RollbackCall,
): Promise<DriftCheck> {
  const checked = await attempt<DriftCheck>(target, target.repository, async (calls) => {
    const { running } = await readEnvironmentState(calls, target, request);
    if (isDeploymentOf(toVersion(request), running)) return { kind: 'holds' };
    if (git !== undefined && running.sha === (await revertCommit(calls, git, request))) return { kind: 'holds' };
    return { kind: 'drifted', detail: `${displayName(running)} runs in ${target.environment}` };
  });
  return 'detail' in checked && checked.kind !== 'drifted' ? { kind: 'unknown', detail: checked.detail } : checked;
}

/** Tolerated difference between Firebreak's and GitHub's clocks, in milliseconds. */
const CLOCK_SKEW_MS = 60_000;

/** Milliseconds by which a deployment's last status can be visible later than the end of its run. */
const STATUS_DELAY_MS = 60_000;

const DAY_MS = 24 * 3600 * 1000;

/**
 * Rolls back by re-running the run that deployed the good version. GitHub has no idempotency key for re-runs, so an
 * attempt of this run that started after the incident counts as this rollback, regardless of who started it: it
 * has the same effect.
 */
function viaRerun(target: GithubEnvironment): Pick<Deployer, 'rollBack' | 'status'> {
  const { repository, clock } = target;
  const now = () => millisOf(clock.now());
  return {
    rollBack: (request) =>
      attempt<TargetResponse>(target, repository, async (calls) => {
        const state = await readEnvironmentState(calls, target, request, [toVersion(request)]);
        if (isDeploymentOf(toVersion(request), state.running))
          return { kind: 'succeeded', id: String(state.running.id) };
        if (!isDeploymentOf(fromVersion(request), state.running))
          return { kind: 'superseded', current: displayName(state.running) };
        const run = await goodRun(calls, target, state.deployments, request);
        if (run.run_attempt > 1 && startOf(run) >= decodeTime(request.incident) - CLOCK_SKEW_MS)
          return outcome(run, state, request, now());
        await refuseUnlessRerunnable(calls, run, state, request, now());
        await runs.rerun(calls, run.id);
        return inProgress(run.id, run.run_attempt + 1);
      }),
    status: (handle, request) =>
      attempt<TargetResponse>(target, repository, async (calls) => {
        const [id, attemptNumber] = /^\d+\/\d+$/.test(handle) ? handle.split('/').map(Number) : [];
        if (id === undefined || attemptNumber === undefined)
          throw refuse(`${handle} is not a run and attempt of GitHub Actions`);
        const newest = await runs.readRun(calls, id);
        if (newest === undefined) return { kind: 'failed', detail: `the workflow run ${id} no longer exists` };
        if (newest.run_attempt < attemptNumber) return inProgress(id, attemptNumber); // accepted, not started
        const run = newest.run_attempt === attemptNumber ? newest : await runs.readRunAttempt(calls, id, attemptNumber);
        const hasSucceeded = run.status === 'completed' && run.conclusion === 'success';
        // Before the run has succeeded, the running version has no influence on the result. This saves about 12 calls.
        const state = hasSucceeded
          ? await readEnvironmentState(calls, target, request, [toVersion(request)])
          : undefined;
        return outcome(run, state, request, now());
      }),
  };
}

/** @param state required if the run has succeeded */
function outcome(
  run: runs.Run,
  state: EnvironmentState | undefined,
  request: RollbackCall,
  now: number,
): TargetResponse {
  const { id, run_attempt: attemptNumber, status, conclusion } = run;
  const text = `attempt ${attemptNumber} of ${run.html_url}`;
  if (status !== 'completed') return inProgress(id, attemptNumber);
  if (conclusion !== 'success' || state === undefined)
    return { kind: 'failed', detail: `${text} ended with ${conclusion ?? 'nothing'}` };

  const { running, deployments } = state;
  if (isDeploymentOf(toVersion(request), running)) return { kind: 'succeeded', id: String(running.id) };
  const deployed = deployments.some(
    (deployment) => isDeploymentOf(toVersion(request), deployment) && (deployment.succeededAt ?? 0) >= startOf(run),
  );
  if (deployed || !isDeploymentOf(fromVersion(request), running))
    return { kind: 'superseded', current: displayName(running) };
  if (now - run.updated_at < STATUS_DELAY_MS) return inProgress(id, attemptNumber);
  return {
    kind: 'failed',
    detail: `${text} succeeded, but deployed nothing here; ${displayName(running)} is still running`,
  };
}

const inProgress = (run: number, attemptNumber: number): TargetResponse => ({
  kind: 'in_progress',
  id: String(run),
  handle: `${run}/${attemptNumber}`,
});

const startOf = (run: runs.Run): number => run.run_started_at ?? run.created_at;

/** Finds the run that deployed the target version. */
async function goodRun(
  calls: Calls,
  { environment }: GithubEnvironment,
  deployments: readonly Deployment[],
  request: RollbackCall,
): Promise<runs.Run> {
  const successes = deployments
    .filter((deployment) => deployment.succeededAt !== null && isDeploymentOf(toVersion(request), deployment))
    .toSorted((one, other) => other.id - one.id);
  const newest = successes[0];
  if (newest === undefined) throw refuse(`GitHub has no successful deployment of ${request.to} to ${environment}`);
  const id = successes.find(({ runId }) => runId !== null)?.runId;
  const run = id == null ? await onlyRun(calls, newest) : await runs.readRun(calls, id);
  if (run === undefined)
    throw refuse(`the workflow run that deployed ${request.to} no longer exists; ${runs.REVERT_INSTEAD}`);
  return run;
}

/**
 * Finds the run of a deployment whose statuses link to none. This works only if exactly one run of its commit has
 * succeeded.
 */
async function onlyRun(calls: Calls, { id, sha }: Deployment): Promise<runs.Run> {
  const successes = (await runs.runsOfCommit(calls, sha)).filter(({ conclusion }) => conclusion === 'success');
  const [run, another] = successes;
  if (run !== undefined && another === undefined) return run;
  throw refuse(
    `deployment ${id} names no workflow run, and ${successes.length} runs of its commit ${sha} have succeeded; ` +
      `set its status's log_url to the run, or use via: revert`,
  );
}

/** @throws Ended if the run can't be re-run now, or not any more */
async function refuseUnlessRerunnable(
  calls: Calls,
  run: runs.Run,
  state: EnvironmentState,
  request: RollbackCall,
  now: number,
): Promise<void> {
  const busy = (detail: string) => new Ended({ kind: 'busy', detail });
  if (run.status !== 'completed') throw busy(`${run.html_url} is still running, since before the incident`);
  if (now - run.created_at > runs.RERUN_MAX_DAYS * DAY_MS)
    throw refuse(
      `${run.html_url} is older than ${runs.RERUN_MAX_DAYS} days, and GitHub can't re-run it; ${runs.REVERT_INSTEAD}`,
    );
  const deployment = inProgressAfter(state.deployments, state.running).find(
    (active) => !isDeploymentOf(toVersion(request), active),
  );
  if (deployment)
    throw busy(`deployment ${deployment.id} of ${displayName(deployment)} is ${deployment.state ?? 'new'}`);
  const [other] = await runs.otherActiveRuns(calls, run);
  if (other) throw busy(`${other.html_url} of ${other.head_sha} is ${other.status ?? 'new'}`);
}

/** Rolls back by reverting Git, and follows the deployment of the revert commit. */
function viaRevert(target: GithubEnvironment, git: GitRevert): Pick<Deployer, 'rollBack' | 'status'> {
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
  const all = await runs.runsOfCommit(calls, sha);
  const failed = all.find(({ conclusion }) => conclusion !== null && FAILED_CONCLUSIONS.includes(conclusion));
  if (failed === undefined || all.some(({ status }) => status !== 'completed')) return undefined;
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
async function revertCommit(calls: Calls, git: GitRevert, request: RollbackCall): Promise<string | null> {
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
