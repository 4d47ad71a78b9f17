import { type Token, tokensOf } from './promql.ts';

/** Parts of a query, as far as its tokens show. */
export type Anatomy = {
  metrics: string[];
  /** Functions, as written, and aggregations, in lower case. */
  calls: string[];
  /** Ranges of its selectors: `5m`, `1h`, `{{.window}}`. */
  ranges: string[];
};

/** Keywords before a list of labels. Like all keywords, in lower or upper case. */
const GROUPINGS = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);

const AGGREGATIONS = new Set(
  'sum min max avg group stddev stdvar count count_values bottomk topk quantile limitk limit_ratio'.split(' '),
);

const OPERATORS = new Set('and or unless atan2 bool offset anchored smoothed inf nan'.split(' '));

/** Functions that compute a rate, or a number of events, from a counter. */
const COUNTER_FUNCTIONS = ['rate', 'irate', 'increase', 'resets'];
const RATES = new Set([...COUNTER_FUNCTIONS, 'delta', 'idelta', 'deriv']);

/** @throws PromqlError */
export const anatomyOf = (query: string): Anatomy => anatomyOfTokens(tokensOf(query));

/** @param tokens of a query, or of a part of it whose brackets need not be closed */
export function anatomyOfTokens(tokens: readonly Token[]): Anatomy {
  const found: Anatomy = { metrics: [], calls: [], ranges: [] };
  for (let at = 0; at < tokens.length; at += 1) {
    const { kind, text } = tokens[at] ?? NO_TOKEN;
    const word = text.toLowerCase();
    const next = tokens[at + 1]?.text.toLowerCase();
    if (text === '{' && kind === 'mark') {
      const end = closingIndex(tokens, at, '}');
      found.metrics.push(...namesIn(tokens.slice(at + 1, end)));
      at = end;
    } else if (text === '[' && kind === 'mark') {
      const end = closingIndex(tokens, at, ']');
      found.ranges.push(tokens[at + 1]?.text ?? '');
      at = end;
    } else if (kind !== 'name') continue;
    else if (GROUPINGS.has(word)) at = next === '(' ? closingIndex(tokens, at + 1, ')') : at;
    else if (OPERATORS.has(word)) continue;
    else if (AGGREGATIONS.has(word) && ['(', 'by', 'without'].includes(next ?? '')) found.calls.push(word);
    else if (next === '(') found.calls.push(text);
    else found.metrics.push(text);
  }
  return found;
}

const NO_TOKEN: Token = { kind: 'mark', text: '' };

/**
 * Returns the index at which a bracket opened at `from` is closed; labels, ranges, and lists of labels contain no
 * brackets.
 */
function closingIndex(tokens: readonly Token[], from: number, mark: string): number {
  const at = tokens.findIndex(({ kind, text }, index) => index > from && kind === 'mark' && text === mark);
  return at === -1 ? tokens.length : at;
}

/** Returns metric names between braces: `__name__="up"`, and since Prometheus 3 a quoted name alone. */
function namesIn(tokens: readonly Token[]): string[] {
  return tokens.flatMap(({ kind, text }, index) => {
    if (kind !== 'text') return [];
    const [name, sign] = [tokens[index - 2]?.text, tokens[index - 1]?.text];
    const next = tokens[index + 1]?.text;
    const isWholeMatcher = (sign === undefined || sign === ',') && (next === undefined || next === ',');
    return isWholeMatcher || (name === '__name__' && sign === '=') ? [text.slice(1, -1)] : [];
  });
}

/** Returns whether the query computes a rate or a number of events itself, so that its values are not a counter's. */
export const isRate = ({ calls }: Anatomy): boolean => calls.some((name) => RATES.has(name));

/** Returns whether the query treats its metrics as counters. */
export const readsCounters = ({ calls }: Anatomy): boolean => calls.some((name) => COUNTER_FUNCTIONS.includes(name));

export const hasAggregation = ({ calls }: Anatomy): boolean => calls.some((name) => AGGREGATIONS.has(name));
