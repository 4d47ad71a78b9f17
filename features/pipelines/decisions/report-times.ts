import { AHEAD_MAX_SECONDS } from '../../../schemas/changes/change.ts';
import type { PipelineRunReport } from '../pipeline-run.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';

const TIMES = ['queued_at', 'started_at', 'finished_at'] as const;

type NamedTime = { name: string; at: Timestamp };

/** Returns the time of a report that is further in the future than clock differences explain, or undefined. */
function timeAhead(report: PipelineRunReport, now: Timestamp): NamedTime | undefined {
  const limit = plusSeconds(now, AHEAD_MAX_SECONDS);
  return [
    ...[...TIMES, 'reported_at' as const].map((name) => ({ name: name as string, at: report[name] })),
    ...report.stages.flatMap((stage, index) =>
      TIMES.map((name) => ({ name: `stages.${index}.${name}`, at: stage[name] })),
    ),
  ].find((one): one is NamedTime => one.at != null && one.at > limit);
}

const isAhead = (name: string, clock: string): string =>
  `${name} is more than ${AHEAD_MAX_SECONDS / 60} minutes ahead of ${clock}. Check the clock of the sender`;

/** Returns which time of a report is too far in the future, or undefined. */
export function whyReportAhead(report: PipelineRunReport, now: Timestamp): string | undefined {
  const ahead = timeAhead(report, now);
  return ahead && isAhead(`${ahead.name} (${ahead.at})`, `Firebreak's clock (${now})`);
}

/** Returns the same in words that all such reports of a request share. */
export function whyOneOfManyAhead(report: PipelineRunReport, now: Timestamp): string | undefined {
  const ahead = timeAhead(report, now);
  return ahead && isAhead(ahead.name, "Firebreak's clock");
}
