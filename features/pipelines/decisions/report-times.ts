import { AHEAD_MAX_SECONDS } from '../../../schemas/changes/change.ts';
import type { PipelineRunReport } from '../pipeline-run.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';

const TIMES = ['queued_at', 'started_at', 'finished_at'] as const;

/** Returns which time of a report is further in the future than clock differences explain, or undefined. */
export function whyReportAhead(report: PipelineRunReport, now: Timestamp): string | undefined {
  const limit = plusSeconds(now, AHEAD_MAX_SECONDS);
  const named = [
    ...[...TIMES, 'reported_at' as const].map((name) => ({ name: name as string, at: report[name] })),
    ...report.stages.flatMap((stage, index) =>
      TIMES.map((name) => ({ name: `stages.${index}.${name}`, at: stage[name] })),
    ),
  ];
  const ahead = named.find(({ at }) => at != null && at > limit);
  if (ahead === undefined) return undefined;
  const minutes = AHEAD_MAX_SECONDS / 60;
  return `${ahead.name} (${ahead.at}) is more than ${minutes} minutes ahead of Firebreak's clock (${now}). Check the clock of the sender`;
}
