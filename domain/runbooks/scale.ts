import type { With } from '../../schemas/runbook/kinds.ts';

/**
 * How many instances there are to be. Never above the ceiling, and never fewer than there are unless `to` says so:
 * where there are more than the ceiling already, they stay.
 *
 * @param want with every value put in
 * @param count how many there are
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
