import { inConfiguredSpelling, nameWarnings } from '../../domain/catalogue/known-names.ts';
import { Refusal } from '../../domain/refusal.ts';
import { type Change, type ChangePatch, type NewChange, whyTooFarAhead } from '../../../schemas/changes/change.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { recordChange, type RecordDeps } from './record-change.ts';

/**
 * The request that reports a deployment. `requestedAt`: when it was sent first; absent: it is not recognised when it is
 * repeated. `traceparent`: the trace context of its sender.
 */
export type ReportingRequest = { trace: string; requestedAt?: Timestamp | undefined; traceparent?: string };

/**
 * Records a deployment that a caller with permission reports.
 *
 * Names that differ from those of the configuration only in letter case are written as there.
 *
 * @returns the deployment, with a warning for each name that is not in the configuration
 * @throws Refusal 422 for impossible times
 */
export async function recordDeployment(
  deps: RecordDeps,
  input: NewChange,
  { trace, requestedAt, ...extra }: ReportingRequest,
): Promise<{ change: Change & { warnings: string[] }; created: boolean }> {
  refuseIf(whyNotStarted(input) ?? whyTooFarAhead(input, deps.clock.now()));
  // A repeated request is about the same time. Without a time, each request is another deployment.
  const started_at = input.started_at ?? (input.finished_at == null ? requestedAt : undefined);
  const config = await deps.config.current();
  const named = inConfiguredSpelling(config, { ...input, started_at });
  const { change, created } = await recordChange(deps, named, trace, extra);
  return { change: { ...change, warnings: nameWarnings(config, change) }, created };
}

/** Returns why a change that has started cannot have an end. */
export const whyNotStarted = ({
  status,
  finished_at: end,
}: Pick<ChangePatch, 'status' | 'finished_at'>): string | undefined =>
  status === 'started' && end != null
    ? `finished_at (${end}) contradicts status started: leave it out, or send how the deployment ended`
    : undefined;

/** @throws Refusal 422 if something is wrong */
export function refuseIf(wrong: string | undefined): void {
  if (wrong !== undefined) throw new Refusal(422, 'invalid', `json: ${wrong}`);
}
