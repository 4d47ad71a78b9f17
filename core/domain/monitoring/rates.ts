import { PROMQL_STRING } from '../../../schemas/parsing/promql.ts';
import { type Indicator, WINDOW } from '../../../schemas/slo/slo.ts';

/** Window of buckets and recorded rates: five minutes. */
const RATE_WINDOW = '5m';

/** Subquery resolution of compared values. */
const RESOLUTION = '1m';

/** Matches a plain selector, such as `http_requests_total{code=~"5.."}`. */
const SELECTOR = /^[a-zA-Z_:][\w:]*\s*(\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\})?$/;

/**
 * Returns PromQL for the rate per second over the window of good, bad, or all events.
 *
 * @param counter whether `text` selects counters if it has no window. Otherwise, its values are rates, whose mean is taken
 */
export function rateOf(text: string, counter: boolean, window = RATE_WINDOW, resolution = RESOLUTION): string {
  const query = withoutComments(text);
  if (query.includes(WINDOW)) return isOneSum(query) ? withWindow(query, window) : `sum(${withWindow(query, window)})`;
  if (!counter) return `sum(avg_over_time((${query})[${window}:${resolution}]))`;
  return SELECTOR.test(query) ? `sum(rate(${query}[${window}]))` : `sum(rate((${query})[${window}:${resolution}]))`;
}

/** Quoted strings, which can contain `#`, and comments. */
const STRINGS_AND_COMMENTS = new RegExp(String.raw`(${PROMQL_STRING})|#[^\n]*`, 'g');

/** Removes comments, which would also hide what follows the query in a rule. */
const withoutComments = (query: string): string =>
  query.replaceAll(STRINGS_AND_COMMENTS, (_, text: string | undefined) => text ?? '').trim();

/** Returns whether the query is a single `sum(…)` and therefore returns one series already. */
function isOneSum(query: string): boolean {
  if (!/^sum\s*\(/.test(query)) return false;
  const bare = query.replaceAll(new RegExp(PROMQL_STRING, 'g'), '');
  let depth = 0;
  for (const [index, char] of [...bare].entries()) {
    if (char === '(') depth += 1;
    if (char === ')') depth -= 1;
    if (char === ')' && depth === 0) return bare.slice(index + 1).trim() === '';
  }
  return false;
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
