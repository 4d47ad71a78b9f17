import type { Slo } from '../../../schemas/slo/slo.ts';
import { burnAlertsOf, outageShare } from './burn-pairs.ts';
import { allowedShare } from './rounding.ts';
import { badShare, rateOf } from './rates.ts';

/** Returns the lowest burn rate that pages. */
const lowestPagingBurnRate = (slo: Slo): number =>
  Math.min(...burnAlertsOf(slo).flatMap(({ severity, factor }) => (severity === 'page' ? [factor] : [])));

/**
 * Returns a query for the current state of an objective, and the maximum healthy value: the share of events that failed
 * in the last five minutes or, for comparisons, the share of bad seconds. The maximum is the lowest burn rate that
 * pages, as an error share; at most halfway from the allowed share to all events.
 *
 * For time slices, it is the share that makes a slice bad.
 */
export function healthQueryOf(slo: Slo): { promql: string; max: number } {
  const { budgeting, target } = slo;
  const allowed = allowedShare(target);
  return {
    promql: errorShare(slo),
    max:
      budgeting.kind === 'timeslices'
        ? allowedShare(budgeting.sliceTarget)
        : Number(Math.min(lowestPagingBurnRate(slo) * allowed, outageShare(allowed)).toPrecision(6)),
  };
}

/** Returns NaN without traffic and no value if unknown; neither counts as healthy. */
function errorShare({ indicator }: Slo): string {
  if (indicator.kind !== 'ratio') return badShare(indicator);
  const total = rateOf(indicator.total, indicator.counter);
  const part = rateOf(indicator.numerator, indicator.counter);
  return indicator.of === 'bad'
    ? `((${part}) or 0 * (${total})) / (${total})`
    : `clamp_min(1 - (${part}) / (${total}), 0)`;
}
