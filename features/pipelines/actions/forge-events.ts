import { parsedEvent } from '../../../core/domain/changes/forge-event.ts';
import type { ForgeAnswer, ForgeEvent, ForgeEvents } from '../../../core/domain/ports/extensions.ts';
import type { PipelineRunReport } from '../pipeline-run.ts';
import type { Deps } from '../ports.ts';
import { reportOfJob, reportOfRun, WorkflowJobEvent, WorkflowRunEvent } from '../vendors/github.ts';
import { JobEvent, PipelineEvent, reportOfGitlabJob, reportOfPipeline } from '../vendors/gitlab.ts';
import { recordPipelineRun } from './record-pipeline-run.ts';

/** Reads the report in an event. A text: why there is none. */
type Reader = (event: ForgeEvent) => PipelineRunReport | string;

/** Events about runs, by forge and the type of the event. */
const READERS: Readonly<Record<'github' | 'gitlab', ReadonlyMap<string, Reader>>> = {
  github: new Map<string, Reader>([
    ['workflow_run', (event) => reportOfRun(parsedEvent(WorkflowRunEvent, event))],
    ['workflow_job', (event) => reportOfJob(parsedEvent(WorkflowJobEvent, event))],
  ]),
  gitlab: new Map<string, Reader>([
    ['pipeline', (event) => reportOfPipeline(parsedEvent(PipelineEvent, event))],
    ['build', (event) => reportOfGitlabJob(parsedEvent(JobEvent, event)) ?? 'build: a job that has not started'],
  ]),
};

/** Records the runs that webhooks of forges report. */
export const forgeEvents = (deps: Pick<Deps, 'config' | 'pipelineRuns' | 'projections'>): ForgeEvents => ({
  async receive(forge, event) {
    const report = READERS[forge].get(event.type)?.(event);
    return typeof report === 'string' ? { ignored: report } : report && reportPipelineRun(deps, report);
  },
});

async function reportPipelineRun(
  deps: Pick<Deps, 'config' | 'pipelineRuns' | 'projections'>,
  report: PipelineRunReport,
): Promise<ForgeAnswer> {
  const { id, service, repository } = (await recordPipelineRun(deps, report)).run;
  if (service !== null) return { pipeline_run: id };
  return { pipeline_run: id, unmapped: `no single service of the catalogue has the repository ${repository}` };
}
