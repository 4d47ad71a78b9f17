import type { Slo } from '../../schemas/slo.ts';
import { burnAlertsOf, outageShare } from './burn-pairs.ts';
import { badShare, rateOf } from './generate/expressions.ts';
import { allowedShare } from './rounding.ts';

/** The slowest burn that pages: what fails more than that would have woken somebody. */
const pagedFrom = (slo: Slo): number =>
  Math.min(...burnAlertsOf(slo).flatMap(({ severity, factor }) => (severity === 'page' ? [factor] : [])));

/**
 * A query that says how an objective does now, and up to which value it is healthy: the share of events that failed in
 * the last five minutes, of what is compared the share of bad seconds; at most what burns the budget so fast that it
 * pages. Where that would be more than all of them, halfway from what is allowed to all.
 *
 * Of slices it is what makes one of them bad.
 */
export function healthQueryOf(slo: Slo): { promql: string; max: number } {
  const { budgeting, target } = slo;
  const allowed = allowedShare(target);
  return {
    promql: errorShare(slo),
    max:
      budgeting.kind === 'timeslices'
        ? allowedShare(budgeting.sliceTarget)
        : Number(Math.min(pagedFrom(slo) * allowed, outageShare(allowed)).toPrecision(6)),
  };
}

/** NaN where nothing happened, and nothing where it is not known: neither is taken for healthy. */
function errorShare({ indicator }: Slo): string {
  if (indicator.kind !== 'ratio') return badShare(indicator);
  const total = rateOf(indicator.total, indicator.counter);
  const part = rateOf(indicator.numerator, indicator.counter);
  return indicator.of === 'bad'
    ? `((${part}) or 0 * (${total})) / (${total})`
    : `clamp_min(1 - (${part}) / (${total}), 0)`;
}
