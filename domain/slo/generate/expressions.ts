import { type Indicator, type Slo, WINDOW } from '../../../schemas/slo/slo.ts';
import { allowedShare } from '../measurement/rounding.ts';
import { ERRORS } from './names.ts';

/** Window of buckets and recorded rates: five minutes. */
const RATE_WINDOW = '5m';

/** Subquery resolution of compared values. */
const RESOLUTION = '1m';

/** Matches a plain selector, such as `http_requests_total{code=~"5.."}`. */
const SELECTOR = /^[a-zA-Z_:][\w:]*\s*(\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\})?$/;

/** Returns PromQL for the rate per second over the window of good, bad, or all events. */
export function rateOf(text: string, counter: boolean, window = RATE_WINDOW, resolution = RESOLUTION): string {
  const query = withoutComments(text);
  if (query.includes(WINDOW)) return isOneSum(query) ? withWindow(query, window) : `sum(${withWindow(query, window)})`;
  if (!counter) return `sum(avg_over_time((${query})[${window}:${resolution}]))`;
  return SELECTOR.test(query) ? `sum(rate(${query}[${window}]))` : `sum(rate((${query})[${window}:${resolution}]))`;
}

/** Texts, which can contain anything, and comments. */
const COMMENTS = /("(?:\\[^]|[^"\\])*(?:"|\\?$)|'(?:\\[^]|[^'\\])*(?:'|\\?$)|`[^`]*(?:`|$))|#[^\n]*/g;

/** Removes comments, which would also hide what follows the query in a rule. */
const withoutComments = (query: string): string =>
  query.replaceAll(COMMENTS, (_, text: string | undefined) => text ?? '').trim();

/** Returns whether the query is a single `sum(…)` and therefore returns one series already. */
function isOneSum(query: string): boolean {
  if (!/^sum\s*\(/.test(query)) return false;
  const bare = query.replaceAll(/"(?:[^"\\]|\\[^])*(?:"|\\?$)|'(?:[^'\\]|\\[^])*(?:'|\\?$)/g, '');
  let depth = 0;
  for (const [index, char] of [...bare].entries()) {
    if (char === '(') depth += 1;
    if (char === ')') depth -= 1;
    if (char === ')' && depth === 0) return bare.slice(index + 1).trim() === '';
  }
  return false;
}

/**
 * Returns the recorded expressions of an objective: events and errors per second. For time-based indicators, each
 * second is an event.
 */
export function recordedExpressions(slo: Slo): { events: string; errors: string } {
  const { indicator } = slo;
  if (indicator.kind !== 'ratio') {
    const bad = badShare(indicator);
    return { events: `(${bad}) * 0 + 1`, errors: bad };
  }
  const total = rateOf(indicator.total, indicator.counter);
  const numerator = rateOf(indicator.numerator, indicator.counter);
  // Error series often start with the first error: no series means no errors.
  if (indicator.of === 'bad') return { events: total, errors: `(${numerator}) or 0 * (${total})` };
  return {
    events: total,
    // If there are no good events now but there were lately, all events are bad. If there never were any, no errors are
    // reported.
    errors: `clamp_min((${total}) - (${numerator}), 0)\nor\n(${total}) and on() last_over_time(${ERRORS}${labelsOf(slo)}[1d])`,
  };
}

/** Returns the subquery step for a window: one minute for hours, five minutes for days. */
const stepOf = (seconds: number): { text: string; seconds: number } =>
  seconds <= 6 * 3600 ? { text: '1m', seconds: 60 } : { text: '5m', seconds: 300 };

/**
 * Returns the numbers of events and errors in a whole window, by the objective's own queries; seconds for time slices.
 */
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

/** Returns the bad share in the five minutes up to each moment. */
function badNow({ indicator }: Slo): string {
  if (indicator.kind !== 'ratio') return badShare(indicator);
  const total = rateOf(indicator.total, indicator.counter);
  const part = rateOf(indicator.numerator, indicator.counter);
  return indicator.of === 'bad' ? `((${part}) or 0 * (${total})) / (${total})` : `1 - (${part}) / (${total})`;
}

/**
 * Returns the mean share of bad seconds in the last five minutes. Of several series, the worst one counts at each
 * moment. Without traffic, the value is NaN, which compares as good.
 */
export function badShare(indicator: Exclude<Indicator, { kind: 'ratio' }>): string {
  if (indicator.kind === 'threshold') {
    const { query, op, value } = indicator;
    return mean(`max((${withWindow(query)}) ${NEGATED[op]} bool ${value})`);
  }
  const { query, of } = indicator;
  const worst = `${of === 'bad' ? 'max' : 'min'}(${withWindow(query)})`;
  const share = query.includes(WINDOW) ? worst : mean(worst);
  return of === 'bad' ? share : `1 - ${share}`;
}

const mean = (query: string): string => `avg_over_time(${query}[${RATE_WINDOW}:${RESOLUTION}])`;

const withWindow = (query: string, window = RATE_WINDOW): string => withoutComments(query).replaceAll(WINDOW, window);

/** Negated comparison operators: bad is the opposite of good. */
const NEGATED = { lt: '>=', lte: '>', gt: '<=', gte: '<' } as const;

/** Returns the label matchers for the recorded series of one objective. */
export const labelsOf = ({ id, service, environment }: Slo): string =>
  `{slo=${quoted(id)}, service=${quoted(service)}, environment=${quoted(environment)}}`;

/**
 * Quotes a string literal.
 * @see https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals
 */
const quoted = (text: string): string => JSON.stringify(text);
