import { serviceOfPipeline } from '../decisions/pipeline-service.ts';
import { serviceWarnings } from '../../../core/domain/catalogue/known-names.ts';
import type { Deps } from '../ports.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import type { PipelineRun, PipelineRunReport, RunTrace } from '../pipeline-run.ts';

/**
 * Records what a report says of a run of a pipeline. The service is the one that the report names, or the
 * one of the repository in the catalogue. A run without a service is stored, but counts in no figure until another report
 * of it arrives after the catalogue has the service.
 *
 * @returns the run, with a warning if the configuration does not have the service that the report names
 * @param allow called with the service before anything is stored
 */
export async function recordPipelineRun(
  { config, pipelineRuns, projections }: Pick<Deps, 'config' | 'pipelineRuns' | 'projections'>,
  report: PipelineRunReport,
  allow: (scope: { service: ServiceName | null }) => void = () => undefined,
  trace: RunTrace = {},
): Promise<{ run: PipelineRun; created: boolean; warnings: string[] }> {
  const current = await config.current();
  const service = serviceOfPipeline(current, report);
  allow({ service });
  // The name is part of the run's identity.
  const named = report.service == null ? report : { ...report, service };
  const recorded = await pipelineRuns.record(named, service, trace);
  const { id, status } = recorded.run;
  // A run is only shown as a span after its end, so runs without a tracing system, and those in progress, leave no mark.
  if (status === 'finished' && (await projections.isOn('traces'))) await projections.changed(`pipeline-run:${id}`);
  const warnings = service === null ? [] : serviceWarnings(current, service);
  if (warnings.length > 0) await pipelineRuns.noteUnknownService(recorded.run);
  return { ...recorded, warnings };
}
