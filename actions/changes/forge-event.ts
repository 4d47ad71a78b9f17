import * as z from 'zod';
import type { Deps } from '../../domain/ports/deps.ts';
import type { ChangeReport } from '../../schemas/changes/change-report.ts';
import type { Push } from '../../schemas/delivery/code.ts';
import type { PipelineRunReport } from '../../features/pipelines/pipeline-run.ts';
import { recordPipelineRun } from '../../features/pipelines/actions/record-pipeline-run.ts';
import { Refusal } from '../refusal.ts';
import { recordPush } from './add-commits.ts';
import { applyAwaiting, reportChange, type ReportDeps } from './report-change.ts';

/** A webhook of GitHub or GitLab after its sender was authenticated. */
export type ForgeEvent = { type: string; payload: unknown; trace: string };

export type ForgeDeps = ReportDeps & Parameters<typeof recordPipelineRun>[0] & Pick<Deps, 'code' | 'actionItemIssues'>;

/** What became of the event. */
export type ForgeAnswer = {
  ignored?: string;
  changes?: string[];
  pipeline_run?: string;
  recorded?: string;
  unmapped?: string;
};

/** @throws Refusal 422 if the payload does not match its type */
export function parsedEvent<T>(schema: z.ZodType<T>, { type, payload }: ForgeEvent): T {
  const parsed = schema.safeParse(payload);
  if (parsed.success) return parsed.data;
  throw new Refusal(422, 'invalid', `${type}: ${z.prettifyError(parsed.error)}`);
}

/** Records the changes of a deployment, or what its status adds to them. */
export async function reportChanges(
  deps: ForgeDeps,
  reports: readonly ChangeReport[],
  trace: string,
): Promise<ForgeAnswer> {
  const changes: string[] = [];
  let unmapped: string | undefined;
  for (const report of reports) {
    const reported = await reportChange(deps, report, trace);
    if (reported.state === 'recorded') changes.push(...reported.changes.map(({ id }) => id));
    if (reported.state === 'unmapped') unmapped = reported.why;
  }
  return { changes, ...(unmapped !== undefined && { unmapped }) };
}

/**
 * Stores a push, adds its commits to deployments, and applies rollouts again whose version a commit of a repository for
 * deployments decides.
 */
export async function storePush(deps: ForgeDeps, push: Push, trace: string): Promise<ForgeAnswer> {
  await recordPush(deps, push);
  await applyAwaiting(deps, push, trace);
  return { recorded: `${push.repository}@${push.after}` };
}

/** Records a report about a pipeline run. */
export async function reportPipelineRun(deps: ForgeDeps, report: PipelineRunReport): Promise<ForgeAnswer> {
  const { id, service, repository } = (await recordPipelineRun(deps, report)).run;
  if (service !== null) return { pipeline_run: id };
  return { pipeline_run: id, unmapped: `no single service of the catalogue has the repository ${repository}` };
}
