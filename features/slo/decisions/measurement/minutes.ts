import { type Indicator, type Slo, WINDOW } from '../../../../schemas/slo/slo.ts';
import { allowedShare } from '../../../../core/domain/monitoring/rounding.ts';
import { rateOf } from '../../../../core/domain/monitoring/rates.ts';

const MINUTE_SECONDS = 60;

const MINUTE = '1m';

/** Subquery resolution within a minute for a counter expression that is not a plain selector. */
const RESOLUTION = '15s';

/** Subquery range in which a good event makes further ones expected: if there are none any more, all events are bad. */
const SEEN_LATELY = '[1d:10m]';

/**
 * Tolerance for floating-point quotients, so that rounding does not decide about a slice that just meets its target.
 */
const ROUNDING = '0.000000001';

/**
 * Converts an objective with one-minute slices into one that is compared each minute, because five-minute buckets
 * cannot distinguish its slices. Other objectives are returned unchanged.
 */
export function comparedEachMinute(slo: Slo): Slo {
  const { budgeting, indicator } = slo;
  if (budgeting.kind !== 'timeslices' || budgeting.sliceSeconds !== MINUTE_SECONDS) return slo;
  return { ...slo, budgeting: { kind: 'occurrences' }, indicator: comparedBy(indicator, budgeting.sliceTarget) };
}

function comparedBy(indicator: Indicator, target: number): Indicator {
  const bad = (query: string): Indicator => ({
    kind: 'threshold',
    query: `(${query}) - ${ROUNDING}`,
    op: 'lte',
    value: allowedShare(target),
  });
  if (indicator.kind === 'threshold') return { ...indicator, query: ofMinute(indicator.query) };
  if (indicator.kind === 'share') {
    const share = ofMinute(indicator.query);
    return bad(indicator.of === 'bad' ? share : `1 - (${share})`);
  }
  const part = rateIn(indicator.numerator, indicator.counter);
  const total = rateIn(indicator.total, indicator.counter);
  return bad(
    indicator.of === 'bad'
      ? `((${part}) or 0 * (${total})) / (${total})`
      : `1 - (${part}) / (${total}) or ((${total}) > bool 0) and on() last_over_time((${part})${SEEN_LATELY})`,
  );
}

const ofMinute = (query: string): string => query.replaceAll(WINDOW, MINUTE);

/** Returns the rate in a minute. A query without a window that is not a counter already is a rate. */
const rateIn = (query: string, counter: boolean): string =>
  counter || query.includes(WINDOW) ? rateOf(query, counter, MINUTE, RESOLUTION) : `sum(${query})`;
