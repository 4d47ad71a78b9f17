import { type Indicator, type Slo, WINDOW } from '../../schemas/slo.ts';
import { rateOf } from './generate/expressions.ts';
import { allowedShare } from './rounding.ts';

const MINUTE_SECONDS = 60;

const MINUTE = '1m';

/** How often a counter that is no plain selector is looked at within a minute. */
const RESOLUTION = '15s';

/** Good events that were seen so lately are expected: where there are none any more, all events are bad. */
const SEEN_LATELY = '[1d:10m]';

/** What computers make of quotients must not decide about a slice that just meets its target. */
const ROUNDING = '0.000000001';

/**
 * An objective whose slices are a minute long, as one that is compared each minute: what is counted in buckets of five
 * minutes could not tell its slices apart. All others stay as they are.
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

/** A query without a window that is no counter says by itself what the rate is. */
const rateIn = (query: string, counter: boolean): string =>
  counter || query.includes(WINDOW) ? rateOf(query, counter, MINUTE, RESOLUTION) : `sum(${query})`;
