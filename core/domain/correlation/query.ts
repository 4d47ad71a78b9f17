import { type Anatomy, anatomyOf, anatomyOfTokens } from '../../../schemas/parsing/promql-anatomy.ts';
import { normalizedQuery, PromqlError, type Token, tokensOf } from '../../../schemas/parsing/promql.ts';

const UNIT_SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/**
 * Returns the longest window in seconds that a value of the query covers: of its ranges, or as the name of a recorded
 * metric tells it (`job:errors:ratio_rate5m`, `slo:error_ratio:10s`).
 * @see https://prometheus.io/docs/practices/rules/#naming
 * @returns null if the query does not tell
 */
export function windowOf(promql: string): number | null {
  const anatomy = read(promql);
  if (anatomy === null) return null;
  const named = anatomy.metrics.flatMap((name) => /(?:rate|increase|:)(\d+(?:s|m|h))$/.exec(name)?.[1] ?? []);
  const seconds = [...anatomy.ranges, ...named].flatMap((text) => secondsOf(text) ?? []);
  return seconds.length === 0 ? null : Math.max(...seconds);
}

/** Returns the names of the metrics in a query, each once. Empty: it cannot be read. */
export const metricsIn = (promql: string): string[] => [...new Set(read(promql)?.metrics)];

/** Returns whether the query is a quantile of a histogram, which a small share of the requests can raise. */
export const isQuantile = (promql: string): boolean => read(promql)?.calls.includes('histogram_quantile') ?? false;

/** Returns the quantile of a query that names it as a number, from 0 to 1. Null: it does not, or is none. */
export function quantileOf(promql: string): number | null {
  const [, text] = /\bhistogram_quantile\s*\(\s*(\d+(?:\.\d+)?|\.\d+)\s*,/.exec(promql) ?? [];
  return text !== undefined && Number(text) <= 1 && isQuantile(promql) ? Number(text) : null;
}

/** Metrics that count failed requests, by name, and those that are percentages. */
const OF_FAILURES = /err|fail|5xx|bad/i;
const OF_PERCENTAGE = /percent|(?:^|[_:])pct(?:$|[_:])/i;

/**
 * Returns the greatest possible value of a query that is a share of the requests: 1, or 100 for a percentage. It divides
 * a counter by the same one with other labels, or failures by something, or reads a recorded ratio of failures. Null: it is none, as
 * far as the query tells.
 */
export function wholeOf(promql: string): 1 | 100 | null {
  const anatomy = read(promql);
  if (anatomy === null || anatomy.calls.includes('histogram_quantile')) return null;
  const tokens = tokensOf(promql);
  const texts = tokens.map(({ text }) => text);
  const factors = texts.filter((text) => text !== '(' && text !== ')');
  const isTimes100 = factors.some(
    (text, at) => text === '*' && [factors[at - 1], factors[at + 1]].some((one) => Number(one) === 100),
  );
  const whole = isTimes100 || anatomy.metrics.some((name) => OF_PERCENTAGE.test(name)) ? 100 : 1;
  const division = texts.indexOf('/');
  if (division === -1) return isRatioRecorded(anatomy) ? whole : null;
  const failed = anatomyOfTokens(tokens.slice(0, division)).metrics;
  const all = anatomyOfTokens(tokens.slice(division + 1)).metrics;
  if (texts.lastIndexOf('/') !== division || failed.length === 0 || all.length === 0) return null;
  return all.every((name) => failed.includes(name)) || failed.every((name) => OF_FAILURES.test(name)) ? whole : null;
}

const isRatioRecorded = ({ metrics }: Anatomy): boolean =>
  metrics.length > 0 && metrics.every((name) => name.includes('ratio') && OF_FAILURES.test(name));

/** Marks that combine two operands. */
const BINARY = new Set(['+', '-', '*', '/', '%', '^', '==', '!=', '<', '>', '<=', '>=']);
const BINARY_WORDS = new Set(['and', 'or', 'unless', 'atan2']);

/**
 * Returns the query for requests per second that a ratio of requests divides by: `errors / requests`. Null: it is no such
 * ratio, as far as the query tells.
 */
export function requestsOf(promql: string): string | null {
  if (wholeOf(promql) === null) return null;
  const tokens = locatedTokensOf(promql);
  const division = tokens.findIndex(({ text, kind }) => kind === 'mark' && text === '/');
  if (division === -1) return null;
  let depth = 0;
  const operand: Located[] = [];
  for (const token of tokens.slice(division + 1)) {
    if (token.kind === 'mark' && '([{'.includes(token.text)) depth += 1;
    if (token.kind === 'mark' && ')]}'.includes(token.text)) depth -= 1;
    if (depth < 0 || (depth === 0 && combines(token))) break;
    operand.push(token);
  }
  const { calls, ranges } = anatomyOfTokens(operand);
  const [first, last] = [operand[0], operand.at(-1)];
  const isRate =
    calls.includes('rate') && ranges.length === 1 && calls.every((name) => name === 'rate' || name === 'sum');
  return !isRate || first === undefined || last === undefined
    ? null
    : normalizedQuery(promql).slice(first.from, last.to);
}

const combines = ({ kind, text }: Token): boolean =>
  kind === 'mark' ? BINARY.has(text) : kind === 'name' && BINARY_WORDS.has(text.toLowerCase());

/**
 * Returns the query with another window, in seconds. Null: not all of its values cover one window that it names, such as
 * those of a recorded metric or a subquery.
 */
export function withWindow(promql: string, seconds: number): string | null {
  const anatomy = read(promql);
  if (anatomy === null || anatomy.ranges.length === 0 || new Set(anatomy.ranges).size > 1) return null;
  if (!anatomy.calls.includes('rate') || secondsOf(anatomy.ranges[0] ?? '') !== windowOf(promql)) return null;
  const text = normalizedQuery(promql);
  const tokens = locatedTokensOf(promql);
  let [result, copied] = ['', 0];
  for (const [index, { kind, text: mark, to }] of tokens.entries()) {
    if (kind !== 'mark' || mark !== '[') continue;
    const [range, end] = [tokens[index + 1], tokens[index + 2]];
    if (range === undefined || end?.text !== ']') return null;
    result += `${text.slice(copied, to)}${seconds}s`;
    copied = range.to;
  }
  return result + text.slice(copied);
}

/** Labels that name an instance, the best first: a pod has one instance for each of its ports. */
export const INSTANCE_LABELS = ['pod', 'instance'] as const;

/**
 * Returns the query grouped by instance as well. Aggregations that are grouped by instance already stay as they are, such as
 * those of metrics that are joined. Null: it is not grouped by labels.
 */
export function byInstance(promql: string): string | null {
  if (read(promql) === null) return null;
  const text = normalizedQuery(promql);
  const tokens = locatedTokensOf(promql);
  let [result, copied] = ['', 0];
  for (const [index, { kind, text: word }] of tokens.entries()) {
    if (kind !== 'name' || word.toLowerCase() !== 'by' || tokens[index + 1]?.text !== '(') continue;
    const end = tokens.findIndex((one, at) => at > index && one.text === ')');
    const labels = tokens.slice(index + 2, end);
    const [last] = labels.slice(-1);
    if (last === undefined || labels.some((one) => INSTANCE_LABELS.some((label) => label === one.text))) continue;
    result += `${text.slice(copied, last.to)}${last.text === ',' ? '' : ','} ${INSTANCE_LABELS.join(', ')}`;
    copied = last.to;
  }
  return copied === 0 ? null : result + text.slice(copied);
}

/** Returns a query for the number of samples in the window of a query, of its first range. Null: it has none. */
export function samplesIn(promql: string): string | null {
  if (read(promql) === null) return null;
  const tokens = locatedTokensOf(promql);
  const range = tokens.findIndex(({ kind, text }) => kind === 'mark' && text === '[');
  const end = tokens[range + 2];
  if (range < 1 || end?.text !== ']') return null;
  const isLabelled = tokens[range - 1]?.text === '}';
  const labels = isLabelled
    ? tokens.findLastIndex(({ kind, text }, at) => at < range && kind === 'mark' && text === '{')
    : range;
  const first = tokens[labels - 1]?.kind === 'name' ? tokens[labels - 1] : isLabelled ? tokens[labels] : undefined;
  return first === undefined ? null : `max(count_over_time(${normalizedQuery(promql).slice(first.from, end.to)}))`;
}

/** A token, and where it is in the normalized query. */
type Located = Token & { from: number; to: number };

function locatedTokensOf(promql: string): Located[] {
  const text = normalizedQuery(promql);
  let at = 0;
  return tokensOf(text).map((token) => {
    const from = text.indexOf(token.text, at);
    at = from + token.text.length;
    return { ...token, from, to: at };
  });
}

const ABSENCE = new Set(['absent', 'absent_over_time']);

/** Returns whether an alert with this expression reports that samples are missing or that scraping fails. */
export function reportsAbsence(expression: string): boolean {
  const anatomy = read(expression);
  return anatomy !== null && (anatomy.calls.some((name) => ABSENCE.has(name)) || anatomy.metrics.includes('up'));
}

function read(promql: string): Anatomy | null {
  try {
    return anatomyOf(promql);
  } catch (error) {
    if (error instanceof PromqlError) return null;
    throw error;
  }
}

/** Parses a duration such as `5m` or `1h30m`. */
function secondsOf(text: string): number | undefined {
  if (!/^(?:\d{1,6}(?:ms|[smhdw]))+$/.test(text)) return undefined;
  return [...text.matchAll(/(\d{1,6})(ms|[smhdw])/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (UNIT_SECONDS[unit] ?? 0),
    0,
  );
}
