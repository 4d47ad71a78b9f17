import { type Indicator, type Slo, WINDOW } from '../../../schemas/slo.ts';
import { allowedShare } from '../rounding.ts';
import { ERRORS } from './names.ts';

/** Buckets, and the recorded rates, are of five minutes. */
const RATE_WINDOW = '5m';

/** How often a value that is compared is looked at. */
const RESOLUTION = '1m';

/** A metric with or without labels, and nothing else: `http_requests_total{code=~"5.."}`. */
const SELECTOR = /^[a-zA-Z_:][\w:]*\s*(\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\})?$/;

/** PromQL of a rate per second over the window, of good or of bad events, or of all. */
export function rateOf(query: string, counter: boolean, window = RATE_WINDOW, resolution = RESOLUTION): string {
  if (query.includes(WINDOW)) return isOneSum(query) ? over(query, window) : `sum(${over(query, window)})`;
  if (!counter) return `sum(avg_over_time((${query})[${window}:${resolution}]))`;
  return SELECTOR.test(query) ? `sum(rate(${query}[${window}]))` : `sum(rate((${query})[${window}:${resolution}]))`;
}

/** `sum(…)` from its beginning to its end, so that there is one series already. */
function isOneSum(query: string): boolean {
  if (!/^sum\s*\(/.test(query)) return false;
  const bare = query.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '');
  let depth = 0;
  for (const [index, char] of [...bare].entries()) {
    if (char === '(') depth += 1;
    if (char === ')') depth -= 1;
    if (char === ')' && depth === 0) return bare.slice(index + 1).trim() === '';
  }
  return false;
}

/** What is recorded of an objective: events and errors per second. Of time, a second is an event. */
export function recorded(slo: Slo): { events: string; errors: string } {
  const { indicator } = slo;
  if (indicator.kind !== 'ratio') {
    const bad = badShare(indicator);
    return { events: `(${bad}) * 0 + 1`, errors: bad };
  }
  const total = rateOf(indicator.total, indicator.counter);
  const numerator = rateOf(indicator.numerator, indicator.counter);
  // Series of errors often begin with the first error: without one there were none.
  if (indicator.of === 'bad') return { events: total, errors: `(${numerator}) or 0 * (${total})` };
  return {
    events: total,
    // Where there is nothing good any more but was lately, all of it is bad. Where there never was, nothing is claimed.
    errors: `clamp_min((${total}) - (${numerator}), 0)\nor\n(${total}) and on() last_over_time(${ERRORS}${labelsOf(slo)}[1d])`,
  };
}

/** What is evaluated again and again for a window: each minute for hours, each five minutes for days. */
const stepOf = (seconds: number): { text: string; seconds: number } =>
  seconds <= 6 * 3600 ? { text: '1m', seconds: 60 } : { text: '5m', seconds: 300 };

/** How many events and errors there were in a whole window, by the objective's own queries. Of time slices: seconds. */
export function rawIncreases(slo: Slo, window: string, seconds: number): { events: string; errors: string } {
  const { indicator, budgeting } = slo;
  if (indicator.kind === 'ratio' && budgeting.kind === 'occurrences') {
    const step = stepOf(seconds).text;
    const total = `${rateOf(indicator.total, indicator.counter, window, step)} * ${seconds}`;
    const part = `${rateOf(indicator.numerator, indicator.counter, window, step)} * ${seconds}`;
    return {
      events: total,
      errors: indicator.of === 'bad' ? `${part}\nor\n${total} * 0` : `clamp_min(${total} - ${part}, 0)`,
    };
  }
  const step = budgeting.kind === 'timeslices' ? stepOf(Infinity) : stepOf(seconds);
  const bad =
    budgeting.kind === 'timeslices' ? `${badNow(slo)} > bool ${allowedShare(budgeting.sliceTarget)}` : badNow(slo);
  return {
    events: `count_over_time((${bad})[${window}:${step.text}]) * ${step.seconds}`,
    errors: `sum_over_time((${bad})[${window}:${step.text}]) * ${step.seconds}`,
  };
}

/** The share of what is bad, of the five minutes up to each moment. */
function badNow({ indicator }: Slo): string {
  if (indicator.kind !== 'ratio') return badShare(indicator);
  const total = rateOf(indicator.total, indicator.counter);
  const part = rateOf(indicator.numerator, indicator.counter);
  return indicator.of === 'bad' ? `((${part}) or 0 * (${total})) / (${total})` : `1 - (${part}) / (${total})`;
}

/**
 * The mean share of bad seconds in the last five minutes. Of several series the worst counts at each moment. Without
 * traffic there is no value (NaN), at which nobody was disappointed: it compares as good.
 */
export function badShare(indicator: Exclude<Indicator, { kind: 'ratio' }>): string {
  if (indicator.kind === 'threshold') {
    const { query, op, value } = indicator;
    return mean(`max((${over(query)}) ${NOT[op]} bool ${value})`);
  }
  const { query, of } = indicator;
  const worst = `${of === 'bad' ? 'max' : 'min'}(${over(query)})`;
  const share = query.includes(WINDOW) ? worst : mean(worst);
  return of === 'bad' ? share : `1 - ${share}`;
}

const mean = (query: string): string => `avg_over_time(${query}[${RATE_WINDOW}:${RESOLUTION}])`;

const over = (query: string, window = RATE_WINDOW): string => query.replaceAll(WINDOW, window);

/** Bad is what is not good. */
const NOT = { lt: '>=', lte: '>', gt: '<=', gte: '<' } as const;

/** The label matchers of one objective's recorded series. */
export const labelsOf = ({ id, service, environment }: Slo): string =>
  `{slo=${quoted(id)}, service=${quoted(service)}, environment=${quoted(environment)}}`;

/** @see https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals */
const quoted = (text: string): string => JSON.stringify(text);
