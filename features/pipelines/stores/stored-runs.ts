import * as z from 'zod';
import { readAs } from '../../../schemas/parsing/read-as.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { PipelineResult, PipelineRun, PipelineStage, PipelineStatus, PipelineTrigger } from '../pipeline-run.ts';

/*
 * Schemas for records in the table, in which a newer version may have written unknown values. An unknown result is read
 * as cancelled, which counts neither as a success nor as a failure.
 */

const result = readAs(PipelineResult, 'cancelled').nullable();

export const StoredPipelineRun = PipelineRun.extend({
  status: readAs(PipelineStatus, 'finished'),
  result,
  trigger: readAs(PipelineTrigger, 'other').nullable(),
});

export const StoredPipelineStage = PipelineStage.extend({ status: readAs(PipelineStatus, 'finished'), result });

export const StoredRunFact = {
  run: PipelineRun.pick({
    id: true,
    pipeline: true,
    branch: true,
    default_branch: true,
    queued_at: true,
    started_at: true,
    finished_at: true,
  }).extend({ result, at: Timestamp, coverage: PipelineRun.shape.coverage.default(null) }),
  stage: PipelineStage.pick({ name: true, queued_at: true, started_at: true, finished_at: true }).extend({
    run: PipelineRun.shape.id,
    result,
    at: Timestamp,
  }),
};

export const StoredUnmappedRun = PipelineRun.pick({ repository: true, pipeline: true, url: true }).extend({
  service: z.string().optional(),
  at: Timestamp,
});
