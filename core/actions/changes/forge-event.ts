import type { ForgeReader } from '../../domain/changes/forge-event.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { configured, type ForgeAnswer, type ForgeEvent } from '../../domain/ports/extensions.ts';
import type { ChangeReport } from '../../../schemas/changes/change-report.ts';
import type { Push } from '../../../schemas/changes/code.ts';
import { recordPush } from './add-commits.ts';
import { applyAwaiting, reportChange, type ReportDeps } from './report-change.ts';

export type ForgeDeps = ReportDeps & Pick<Deps, 'extensions'>;

/** Records what an event of a forge reports. @throws Refusal 422 if the payload does not match its type */
export async function recordForgeEvent(deps: ForgeDeps, forge: ForgeReader, event: ForgeEvent): Promise<ForgeAnswer> {
  const read = forge.read(event, deps.clock.now());
  switch (read.kind) {
    case 'changes': {
      const answer = await reportChanges(deps, read.reports, event.trace);
      const isNone = answer.changes.length === 0 && answer.unmapped === undefined;
      return isNone && read.ifNone !== undefined ? { ignored: read.ifNone } : answer;
    }
    case 'push':
      return storePush(deps, read.push, event.trace);
    case 'pull-request': {
      const { repository, number } = await deps.code.pullRequest(read.report);
      return { recorded: `${repository}${read.sign}${number}` };
    }
    case 'release':
      await deps.code.release(read.release);
      return { recorded: `${read.release.repository} ${read.release.tag}` };
    case 'ignored':
      return { ignored: read.why };
    case 'other':
      return (await recordInFeature(deps, forge, { ...event, type: read.type })) ?? { ignored: read.name };
  }
}

/** Records the changes of a deployment, or what its status adds to them. */
async function reportChanges(
  deps: ForgeDeps,
  reports: readonly ChangeReport[],
  trace: string,
): Promise<{ changes: string[]; unmapped?: string }> {
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
async function storePush(deps: ForgeDeps, push: Push, trace: string): Promise<ForgeAnswer> {
  await recordPush(deps, push);
  await applyAwaiting(deps, push, trace);
  return { recorded: `${push.repository}@${push.after}` };
}

/** Lets features record an event that the core doesn't record. Undefined: none has a use for it. */
async function recordInFeature(
  { config, extensions }: Pick<ForgeDeps, 'config' | 'extensions'>,
  { source }: ForgeReader,
  event: ForgeEvent,
): Promise<ForgeAnswer | undefined> {
  for (const feature of await configured(extensions.forgeEvents, await config.current())) {
    const answer = await feature.receive(source, event);
    if (answer !== undefined) return answer;
  }
  return undefined;
}
