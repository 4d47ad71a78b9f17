import type { Clock } from '../../domain/ports.ts';
import type { ActAnswer } from '../../domain/targets.ts';
import { millisOf } from '../../schemas/time.ts';
import { truncate } from '../text.ts';
import type { Application } from './application.ts';
import { MESSAGE_MAX_CHARS, UNHEALTHY_MS } from './limits.ts';

/** Whether the health was judged after the last operation. Both times are in whole seconds. */
export function isFresh({ status }: Application): boolean {
  const finished = status.operationState?.finishedAt;
  return !finished || (status.reconciledAt ? Date.parse(status.reconciledAt) > Date.parse(finished) : false);
}

/**
 * What a sync that succeeded has come to. To sync is to apply manifests; that they have replaced what ran is only known
 * from the health.
 *
 * @param before the health when the rollback began: what is paused on purpose, as a CronJob may be, stays Suspended
 */
export function settled(
  { metadata, status }: Application,
  { before, goesOn, id, clock }: { before: string | null; goesOn: ActAnswer; id: string; clock: Clock },
): ActAnswer {
  const health = status.health?.status ?? 'Unknown';
  if (health === 'Healthy' || (health === 'Suspended' && before === 'Suspended')) return { kind: 'succeeded', id };
  if (health === 'Progressing') return goesOn;
  const finished = status.operationState?.finishedAt ?? status.history?.at(-1)?.deployedAt;
  const since = finished ? Date.parse(finished) : Number.NaN;
  // Without a time there is no telling, and the workflow gives up in the end.
  if (!(millisOf(clock.now()) - since >= UNHEALTHY_MS)) return goesOn;
  const why = status.health?.message ? `: ${truncate(status.health.message, MESSAGE_MAX_CHARS)}` : '';
  return {
    kind: 'failed',
    detail: `synced, but ${metadata.name} is still ${health} ${UNHEALTHY_MS / 60_000} minutes later${why}`,
  };
}
