import { decodeTime } from 'ulid';
import type { TargetResponse, Deployer, RollbackCall } from '../../../core/domain/rollback/targets.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { Ended, refuse } from '../../shared/refusals.ts';
import { attempt, type Calls } from '../attempt.ts';
import { inProgressAfter, type Deployment, isDeploymentOf, displayName } from './deployments.ts';
import { readEnvironmentState, type EnvironmentState, type GithubEnvironment } from '../environment-state.ts';
import * as runs from './workflow-runs.ts';
import { fromVersion, toVersion } from '../../shared/versions.ts';

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
export function viaRerun(target: GithubEnvironment): Pick<Deployer, 'rollBack' | 'status'> {
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
