import { isoSeconds, LOGIN } from './answers.ts';
import type { Attempt, Run } from './actions.ts';
import type { Deployment, Status } from './deployments.ts';

/** ID of the only workflow of each repository. */
export const WORKFLOW_ID = 2_823_525;

export const statusOf = ({ ends_at: endsAt, hasEnded }: Attempt): 'waiting' | 'in_progress' | 'completed' => {
  if (hasEnded) return 'completed';
  return endsAt === null ? 'waiting' : 'in_progress';
};

/** @see https://docs.github.com/en/rest/actions/workflow-runs (read 2026-11) */
export const runJson = (origin: string, run: Run, attempt: Attempt): object => {
  const { id, repository, head_branch, head_sha, event, name } = run;
  const completed = attempt.hasEnded;
  const url = `${origin}/repos/${repository}/actions/runs/${id}`;
  return {
    id,
    name,
    head_branch,
    head_sha,
    path: `.github/workflows/${name}.yml`,
    run_number: id,
    event,
    status: statusOf(attempt),
    conclusion: completed ? attempt.conclusion : null,
    workflow_id: WORKFLOW_ID,
    url,
    html_url: `${origin}/${repository}/actions/runs/${id}`,
    created_at: isoSeconds(run.created_at),
    updated_at: isoSeconds(completed ? (attempt.ends_at ?? attempt.started_at) : attempt.started_at),
    run_attempt: attempt.attempt,
    run_started_at: isoSeconds(attempt.started_at),
  };
};

/** @see https://docs.github.com/en/rest/deployments/deployments (read 2026-11) */
export const deploymentJson = (origin: string, deployment: Deployment): object => {
  const url = `${origin}/repos/${deployment.repository}/deployments/${deployment.id}`;
  return {
    url,
    id: deployment.id,
    task: 'deploy',
    environment: deployment.environment,
    created_at: isoSeconds(deployment.created_at),
    updated_at: isoSeconds(deployment.created_at),
    statuses_url: `${url}/statuses`,
    repository_url: `${origin}/repos/${deployment.repository}`,
    creator: { login: LOGIN },
    sha: deployment.sha,
    ref: deployment.ref,
  };
};

export const statusJson = (origin: string, deployment: Deployment, status: Status): object => {
  const url = `${origin}/repos/${deployment.repository}/deployments/${deployment.id}`;
  const log = status.log_path === null ? '' : new URL(status.log_path, origin).href;
  return {
    url: `${url}/statuses/${status.id}`,
    id: status.id,
    state: status.state,
    creator: { login: LOGIN },
    environment: deployment.environment,
    target_url: log,
    log_url: log,
    created_at: isoSeconds(status.created_at),
    updated_at: isoSeconds(status.created_at),
    deployment_url: url,
    repository_url: `${origin}/repos/${deployment.repository}`,
  };
};
