import * as z from 'zod';
import type { Deps } from '../../domain/ports/deps.ts';
import { configured, type ForgeAnswer, type ForgeEvent } from '../../domain/ports/extensions.ts';
import type { ChangeReport } from '../../../schemas/changes/change-report.ts';
import type { Push } from '../../../schemas/changes/code.ts';
import { Refusal } from '../../domain/refusal.ts';
import { recordPush } from './add-commits.ts';
import { applyAwaiting, reportChange, type ReportDeps } from './report-change.ts';

export type ForgeDeps = ReportDeps & Pick<Deps, 'extensions'>;

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

/** Lets features record an event that the core doesn't record. Undefined: none has a use for it. */
export async function receiveInFeature(
  { config, extensions }: Pick<ForgeDeps, 'config' | 'extensions'>,
  forge: 'github' | 'gitlab',
  event: ForgeEvent,
): Promise<ForgeAnswer | undefined> {
  for (const feature of await configured(extensions.forgeEvents, await config.current())) {
    const answer = await feature.receive(forge, event);
    if (answer !== undefined) return answer;
  }
  return undefined;
}
