import * as z from 'zod';
import { type PipelineRunReport, resultOf, triggerOf } from '../pipeline-run.ts';
import { plusSeconds, type Timestamp, WrittenInstant } from '../../../schemas/time/time.ts';
import { pipelineReport, possiblePeriod } from './period.ts';

const Name = z.string().min(1).max(256);
const Id = z.number().int().positive();
const Text = z.string().max(512);

const Time = WrittenInstant.nullish();
const Seconds = z.number().min(0).max(10_000_000).nullish().catch(undefined);

const Project = z.object({ path_with_namespace: Name, default_branch: Text.nullish() });

const Build = z.object({
  id: Id,
  name: Name,
  status: Text,
  started_at: Time,
  finished_at: Time,
  queued_duration: Seconds,
});

/**
 * The webhook about a pipeline with its jobs.
 *
 * @see https://docs.gitlab.com/user/project/integrations/webhook_events/#pipeline-events
 */
export const PipelineEvent = z.object({
  object_kind: z.literal('pipeline'),
  object_attributes: z.object({
    id: Id,
    name: Text.nullish(),
    ref: Text.nullish(),
    tag: z.boolean().nullish(),
    sha: Name,
    source: Text.nullish(),
    status: Text,
    created_at: Time,
    finished_at: Time,
    url: z
      .url({ protocol: /^https?$/ })
      .max(2048)
      .nullish()
      .catch(undefined),
  }),
  merge_request: z
    .object({ source_branch: Text, source_project_id: Id.nullish(), target_project_id: Id.nullish() })
    .nullish()
    .catch(undefined),
  user: z.object({ username: Name }).nullish().catch(undefined),
  project: Project,
  builds: z.array(Build).max(500).nullish(),
});
export type PipelineEvent = z.infer<typeof PipelineEvent>;

/**
 * The webhook about a job.
 *
 * @see https://docs.gitlab.com/user/project/integrations/webhook_events/#job-events
 */
export const JobEvent = z.object({
  object_kind: z.literal('build'),
  sha: Name,
  build_id: Id,
  build_name: Name,
  build_status: Text,
  build_created_at: Time,
  build_started_at: Time,
  build_finished_at: Time,
  build_queued_duration: Seconds,
  pipeline_id: Id,
  project: Project.nullish(),
  repository: z.object({ homepage: z.string().min(1).max(255) }).nullish(),
});
export type JobEvent = z.infer<typeof JobEvent>;

/** Returns what the event says about its pipeline. The pipeline starts with its first job. */
export function reportOfPipeline(event: PipelineEvent): PipelineRunReport {
  const { object_attributes: pipeline, project, user, builds } = event;
  const result = resultOf(pipeline.status);
  const starts = (builds ?? []).flatMap(({ started_at }) => started_at ?? []).toSorted();
  const finished_at = pipeline.finished_at ?? undefined;
  const created_at = pipeline.created_at ?? undefined;
  return pipelineReport({
    repository: project.path_with_namespace,
    pipeline: pipeline.name,
    run_id: String(pipeline.id),
    branch: branchOf(event),
    default_branch: project.default_branch,
    commit: pipeline.sha,
    trigger: triggerOf(pipeline.source),
    author: user?.username,
    url: pipeline.url,
    ...possiblePeriod({ result, started_at: starts[0] ?? (result && created_at), finished_at }),
    stages: (builds ?? []).map((build) =>
      stageOf({
        ...build,
        queued_duration: build.queued_duration ?? null,
        started_at: build.started_at ?? null,
        finished_at: build.finished_at ?? null,
      }),
    ),
    reported_at: finished_at ?? created_at,
  });
}

/** Returns what the event says about its job, or undefined if it does not name the project. */
export function reportOfGitlabJob(event: JobEvent): PipelineRunReport | undefined {
  const repository = event.project?.path_with_namespace ?? event.repository?.homepage;
  if (repository === undefined) return undefined;
  return pipelineReport({
    repository,
    run_id: String(event.pipeline_id),
    default_branch: event.project?.default_branch,
    commit: event.sha,
    stages: [
      stageOf({
        id: event.build_id,
        name: event.build_name,
        status: event.build_status,
        started_at: event.build_started_at ?? null,
        finished_at: event.build_finished_at ?? null,
        queued_duration: event.build_queued_duration ?? null,
      }),
    ],
    reported_at: event.build_created_at,
  });
}

type Job = {
  id: number;
  name: string;
  status: string;
  started_at: Timestamp | null;
  finished_at: Timestamp | null;
  /** Seconds before the start. While the job waits, GitLab reports the time so far. */
  queued_duration: number | null;
};

function stageOf({ id, name, status, started_at, finished_at, queued_duration }: Job) {
  const queued = started_at === null || queued_duration === null ? null : plusSeconds(started_at, -queued_duration);
  return {
    id: String(id),
    name,
    ...possiblePeriod({
      result: resultOf(status),
      queued_at: queued ?? undefined,
      started_at: started_at ?? undefined,
      finished_at: finished_at ?? undefined,
    }),
  };
}

/** The source branch of a merge request never counts as the default branch if it is that of a fork. */
function branchOf({ object_attributes: { ref, tag }, merge_request: request }: PipelineEvent): string | undefined {
  if (request == null) return tag === true ? undefined : (ref ?? undefined);
  const isFork = request.source_project_id !== request.target_project_id;
  return isFork ? `fork:${request.source_branch}` : request.source_branch;
}
