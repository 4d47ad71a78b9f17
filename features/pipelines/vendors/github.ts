import * as z from 'zod';
import { type PipelineRunInput, type PipelineRunReport, resultOf, triggerOf } from '../pipeline-run.ts';
import { InstantIn } from '../../../schemas/time/time.ts';
import { pipelineReport, possiblePeriod } from './period.ts';

const Name = z.string().min(1).max(256);
const Id = z.number().int().positive();
const Repository = z.object({ full_name: Name, default_branch: z.string().max(512).nullish() });

/** A conclusion or event that GitHub adds later is read as unknown. */
const Text = z.string().max(256);

/**
 * The webhook about a run of a workflow: requested, in progress, or completed.
 *
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#workflow_run
 */
export const WorkflowRunEvent = z.object({
  workflow_run: z.object({
    id: Id,
    name: Text.nullish(),
    run_attempt: z.number().int().min(1).default(1),
    head_branch: z.string().max(512).nullish(),
    head_sha: Name,
    event: Text,
    status: Text.nullish(),
    conclusion: Text.nullish(),
    html_url: z.url({ protocol: /^https?$/ }).max(2048),
    created_at: InstantIn,
    updated_at: InstantIn,
    run_started_at: InstantIn.nullish(),
    actor: z.object({ login: Name }).nullish(),
    head_repository: z.object({ full_name: Name }).nullish(),
  }),
  workflow: z.object({ name: Text.nullish() }).nullish(),
  repository: Repository,
});
export type WorkflowRunEvent = z.infer<typeof WorkflowRunEvent>;

/**
 * The webhook about a job of a run: queued, waiting, in progress, or completed.
 *
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#workflow_job
 */
export const WorkflowJobEvent = z.object({
  workflow_job: z.object({
    id: Id,
    run_id: Id,
    run_attempt: z.number().int().min(1).default(1),
    name: Name,
    workflow_name: Text.nullish(),
    head_sha: Name,
    status: Text,
    conclusion: Text.nullish(),
    created_at: InstantIn.nullish(),
    started_at: InstantIn.nullish(),
    completed_at: InstantIn.nullish(),
  }),
  repository: Repository,
});
export type WorkflowJobEvent = z.infer<typeof WorkflowJobEvent>;

/**
 * Returns what the event says about its run. One that needs a maintainer's approval is `action_required` and continues under the
 * same ID, so it has no result yet. Queue times come from the jobs, which wait for a runner.
 */
export function reportOfRun({ workflow_run: run, workflow, repository }: WorkflowRunEvent): PipelineRunReport {
  const result = resultOf(run.conclusion);
  const hasStarted = run.status === 'in_progress' || run.status === 'completed';
  const { result: _, ...times } = possiblePeriod({
    result,
    started_at: hasStarted ? (run.run_started_at ?? run.created_at) : undefined,
    finished_at: run.updated_at,
  });
  return pipelineReport({
    repository: repository.full_name,
    pipeline: workflow?.name ?? run.name,
    run_id: String(run.id),
    attempt: run.run_attempt,
    branch: branchOf(run, repository.full_name),
    default_branch: repository.default_branch,
    commit: run.head_sha,
    trigger: triggerOf(run.event),
    author: run.actor?.login,
    url: run.html_url,
    result,
    ...times,
    reported_at: run.updated_at,
  });
}

/**
 * Returns what the event says about its job. It does not know the run's branch: for a pull request from a fork,
 * `head_branch` is that of the fork, such as its `main`.
 */
export function reportOfJob({ workflow_job: job, repository }: WorkflowJobEvent): PipelineRunReport {
  const hasStarted = job.status === 'in_progress' || job.status === 'completed';
  const stage = {
    id: String(job.id),
    name: job.name,
    ...possiblePeriod({
      result: resultOf(job.conclusion),
      queued_at: job.created_at ?? undefined,
      // A job that waits has its creation as its start.
      started_at: hasStarted ? (job.started_at ?? undefined) : undefined,
      finished_at: job.completed_at ?? undefined,
    }),
  };
  const input: PipelineRunInput = {
    repository: repository.full_name,
    pipeline: job.workflow_name,
    run_id: String(job.run_id),
    attempt: job.run_attempt,
    default_branch: repository.default_branch,
    commit: job.head_sha,
    stages: [stage],
    reported_at: job.created_at ?? job.started_at,
  };
  return pipelineReport(input);
}

/** A branch of a fork is named with its owner, as GitHub shows it, so that it never counts as the default branch. */
function branchOf(
  { head_branch, head_repository }: WorkflowRunEvent['workflow_run'],
  repository: string,
): string | null | undefined {
  const from = head_repository?.full_name ?? repository;
  if (head_branch == null || from.toLowerCase() === repository.toLowerCase()) return head_branch;
  return `${from.split('/', 1)[0]}:${head_branch}`;
}
