import type { Context } from 'hono';
import * as z from 'zod';
import { recordPipelineRun } from '../../actions/delivery/record-pipeline-run.ts';
import { Refusal } from '../../actions/refusal.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { reportOfJob, reportOfRun, WorkflowJobEvent, WorkflowRunEvent } from '../../integrations/github/pipelines.ts';
import type { PipelineRunReport } from '../../schemas/delivery/pipeline-run.ts';
import type { Env } from '../context.ts';

type Answer = { pipeline_run: string; unmapped?: string };

/** Records what GitHub reports of a run of a workflow. */
export const reportGithubRun = (c: Context<Env>, deps: Deps, payload: unknown): Promise<Answer> =>
  report(c, deps, reportOfRun(parsed(c, WorkflowRunEvent, payload)));

/** Records what GitHub reports of a job of a run. */
export const reportGithubJob = (c: Context<Env>, deps: Deps, payload: unknown): Promise<Answer> =>
  report(c, deps, reportOfJob(parsed(c, WorkflowJobEvent, payload)));

/** @throws Refusal 422 if the payload does not match its event */
function parsed<T>(c: Context<Env>, schema: z.ZodType<T>, payload: unknown): T {
  const result = schema.safeParse(payload);
  if (result.success) return result.data;
  throw new Refusal(422, 'invalid', `${c.req.header('x-github-event')}: ${z.prettifyError(result.error)}`);
}

async function report(c: Context<Env>, deps: Deps, of: PipelineRunReport): Promise<Answer> {
  const { run } = await recordPipelineRun(deps, of);
  const { id, service, repository, run_id, attempt, status } = run;
  const delivery = c.req.header('x-github-delivery');
  c.var.log.info('GitHub reported a pipeline run', { delivery, id, service, repository, run: run_id, attempt, status });
  if (service !== null) return { pipeline_run: id };
  return { pipeline_run: id, unmapped: `no single service of the catalogue has the repository ${repository}` };
}
