import { type PipelineRunInput, PipelineRunReport, type PipelineResult } from '../pipeline-run.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

type Period = {
  result?: PipelineResult | undefined;
  queued_at?: Timestamp | undefined;
  started_at?: Timestamp | undefined;
  finished_at?: Timestamp | undefined;
};

/**
 * Returns a period as far as it is possible. Senders report a start after the end for work that never ran, and an end
 * without a result for work that will run again.
 */
export function possiblePeriod({ result, queued_at, started_at, finished_at }: Period): Period {
  const end = result === undefined ? undefined : finished_at;
  const start = end !== undefined && started_at !== undefined && started_at > end ? undefined : started_at;
  return {
    result,
    queued_at: start !== undefined && queued_at !== undefined && queued_at > start ? undefined : queued_at,
    started_at: start,
    finished_at: end,
  };
}

/** Returns the report of a sender whose payload was parsed before. */
export const pipelineReport = (input: PipelineRunInput): PipelineRunReport => PipelineRunReport.parse(input);
