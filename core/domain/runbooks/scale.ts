import type { With } from '../../../schemas/runbooks/parts/kinds.ts';

/**
 * Returns the target number of instances: never above the ceiling, and never below the current number unless `to` says
 * so. If there are already more than the ceiling, the number stays the same.
 *
 * @param count current number of instances
 */
export function scaleTarget({ to, by, factor, ceiling }: With<'scale'>, count: number): number {
  if (typeof to === 'number' && to < count) return to;
  const wanted =
    typeof to === 'number'
      ? to
      : typeof by === 'number'
        ? count + by
        : Math.ceil(count * (typeof factor === 'number' ? factor : 1));
  return Math.max(count, Math.min(wanted, ceiling));
}
