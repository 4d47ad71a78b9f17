import type { Clock } from '../../core/domain/ports/system.ts';
import type { TargetResponse } from '../../core/domain/rollback/targets.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { truncate } from '../shared/text.ts';
import type { Application } from './application.ts';
import { MESSAGE_MAX_CHARS, UNHEALTHY_MS } from './limits.ts';

/** Returns whether the health was assessed after the last operation. Both times are in whole seconds. */
export function isHealthFresh({ status }: Application): boolean {
  const finished = status.operationState?.finishedAt;
  return !finished || (status.reconciledAt ? Date.parse(status.reconciledAt) > Date.parse(finished) : false);
}

/**
 * Returns the result after a successful sync. A sync only applies manifests; only the health shows that they have
 * replaced the previous deployment.
 *
 * @param before the health when the rollback began; a deliberately paused application, such as one with a CronJob,
 *   stays Suspended
 */
export function resultByHealth(
  { metadata, status }: Application,
  { before, progress, id, clock }: { before: string | null; progress: TargetResponse; id: string; clock: Clock },
): TargetResponse {
  const health = status.health?.status ?? 'Unknown';
  if (health === 'Healthy' || (health === 'Suspended' && before === 'Suspended')) return { kind: 'succeeded', id };
  if (health === 'Progressing') return progress;
  const finished = status.operationState?.finishedAt ?? status.history?.at(-1)?.deployedAt;
  const since = finished ? Date.parse(finished) : Number.NaN;
  // Without a time, continue until the workflow gives up.
  if (!(millisOf(clock.now()) - since >= UNHEALTHY_MS)) return progress;
  const why = status.health?.message ? `: ${truncate(status.health.message, MESSAGE_MAX_CHARS)}` : '';
  return {
    kind: 'failed',
    detail: `synced, but ${metadata.name} is still ${health} ${UNHEALTHY_MS / 60_000} minutes later${why}`,
  };
}
