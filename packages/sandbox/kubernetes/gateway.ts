import type { HttpRoute } from './objects.ts';
import { timeText } from './objects.ts';
import type { Item, ClusterObjects } from './cluster-state.ts';
import type { StandInDeps } from '../core/stand-in.ts';

const CONTROLLER = 'example.net/gateway-controller';

/**
 * Writes the status of a route, as the controller of its gateways does: for each parent, whether it accepts the route,
 * and whether it can use all backends.
 */
export function reconcileRoute(
  objects: ClusterObjects,
  item: Item<HttpRoute>,
  { now, timeScale }: Pick<StandInDeps, 'now' | 'timeScale'>,
): void {
  const seenAt = (item.work.changedAt ?? Infinity) + objects.settings.observe_ms / timeScale;
  if (now() < seenAt) return;
  item.work = { ...item.work, changedAt: null };
  const { metadata, spec } = item.object;
  const { gateway } = objects.settings;
  const condition = (type: string, isTrue: boolean, reason: string, message: string) => ({
    type,
    status: isTrue ? 'True' : 'False',
    reason: isTrue ? type : reason,
    message: isTrue ? '' : message,
    observedGeneration: metadata.generation,
    lastTransitionTime: timeText(seenAt),
  });
  const conditions = [
    condition(
      'Accepted',
      gateway !== 'rejects',
      'NotAllowedByListeners',
      'no listener allows routes of this namespace',
    ),
    condition('ResolvedRefs', gateway !== 'misses-backend', 'BackendNotFound', 'a backend Service does not exist'),
  ];
  const parents = spec.parentRefs.map((parentRef) => ({ parentRef, controllerName: CONTROLLER, conditions }));
  objects.replace(item, { ...item.object, status: { parents } });
}
