import { branchLabel } from '../decisions/pipeline-figures.ts';
import { pipelineReport } from '../decisions/pipeline-report.ts';
import type { Deps } from '../ports.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import type { PipelineReport } from '../report.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';

/** The window in which pipelines are measured without another request. */
export const PIPELINE_WINDOW_SECONDS = 14 * 24 * 3600;

/**
 * Computes the figures of a service's pipelines in a window that ends now. `branches`: those that have runs, as labels.
 *
 * @param selection.branch label of a branch; null: all
 */
export async function pipelineFigures(
  { pipelineRuns, pipelineTests, clock }: Pick<Deps, 'pipelineRuns' | 'pipelineTests' | 'clock'>,
  { service, seconds, branch }: { service: ServiceName; seconds: number; branch: string | null },
): Promise<{ report: PipelineReport; branches: string[] }> {
  const until = clock.now();
  const from = plusSeconds(until, -seconds);
  const [records, flaky] = await Promise.all([pipelineRuns.since(service, from), pipelineTests.flaky(service, from)]);
  return {
    report: pipelineReport({ ...records, flaky }, { service, window: { from, until }, branch }),
    branches: [...new Set(records.runs.map(branchLabel))].toSorted(),
  };
}
