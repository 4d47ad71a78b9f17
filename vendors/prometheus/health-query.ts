import { parser } from '@prometheus-io/lezer-promql';
import { nodesOf, ratioOf, selectorsIn } from './version-query.ts';

/** A query that could show the health of a service. */
export type HealthCandidate = {
  promql: string;
  /** Healthy at or below this value, if a rule of the user says so. Null: unknown. */
  max: number | null;
  /** Requests per second. Null: the query does not divide by them. */
  traffic: string | null;
  /** Where it comes from, such as `alerting rule CheckoutErrors`. */
  from: string;
};

type Labels = Readonly<Record<string, string>>;

/** Window of rates: long enough for four scrapes at the usual intervals of up to a minute. */
const WINDOW = '5m';

/** Matcher of failed requests by the values of a label that says how a request ended. Null: they don't. */
const FAILURE_MATCHERS: readonly (readonly [value: RegExp, matcher: string])[] = [
  [/^[1-5]\d\d$/, '=~"5.."'],
  [/^[1-5]xx$/, '="5xx"'],
  [/^[1-5]XX$/, '="5XX"'],
  [/^(?:OK|Unknown|Internal|Unavailable)$/, '=~"Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"'],
  [/^(?:errors?|server_error|fail(?:ed|ure)?|success|ok)$/i, '=~"(?i:errors?|server_error|fail(ed|ure)?)"'],
];

/** Labels that say how a request ended, the most precise first. */
export const STATUS_LABELS = [
  'code',
  'status_code',
  'http_response_status_code',
  'http_status_code',
  'response_code',
  'status',
  'grpc_code',
  'outcome',
  'result',
  'classification',
] as const;

/** Returns the share of failed requests of a counter. Null: none of the labels says how a request ended. */
export function failureRatio(
  counter: string,
  selectedLabels: Labels,
  values: ReadonlyMap<string, ReadonlySet<string>>,
): HealthCandidate | null {
  const matchers = Object.entries(selectedLabels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  const rate = (more: readonly string[]): string =>
    `sum(rate(${counter}{${[...matchers, ...more].join(', ')}}[${WINDOW}]))`;
  for (const label of STATUS_LABELS) {
    const labelValues = [...(values.get(label) ?? [])];
    const failure = FAILURE_MATCHERS.find(([value]) => labelValues.some((labelValue) => value.test(labelValue)));
    if (failure === undefined) continue;
    const traffic = rate([]);
    // Without "or", a service without errors has no value, because the series of its errors does not exist yet.
    return { promql: `(${rate([label + failure[1]])} or vector(0)) / ${traffic}`, max: null, traffic, from: counter };
  }
  return null;
}

/** Returns the query and the limit of an expression of the form `query > limit`. Null for every other form. */
export function limitIn(expression: string): { promql: string; max: number } | null {
  let node = parser.parse(expression).topNode.firstChild;
  while (node?.name === 'ParenExpr') node = node.firstChild;
  if (node?.name !== 'BinaryExpr' || (node.getChild('Gtr') === null && node.getChild('Gte') === null)) return null;
  const [left, right] = [node.firstChild, node.lastChild];
  if (left === null || right?.name !== 'NumberDurationLiteral') return null;
  const max = Number(expression.slice(right.from, right.to));
  return Number.isFinite(max) && max > 0 ? { promql: expression.slice(left.from, left.to).trim(), max } : null;
}

/** Name of a metric that is an error ratio by itself, such as one of a recording rule. */
const RATIO_NAME =
  /(?:err(?:or)?s?|fail(?:ed|ure)?s?|5xx)[a-z0-9]{0,40}[_:](?:[a-z0-9]{1,40}[_:]){0,8}(?:ratio|percent(?:age)?|fraction)|(?:ratio|percent)[_:](?:err|fail)/i;

/** A window in a metric's name of half an hour or more: too long to see a problem begin. */
const LONG_WINDOW = /(?:30m|[1-9]\d{0,8}[hdw])$/;

export const isRatioName = (metric: string): boolean => RATIO_NAME.test(metric) && !LONG_WINDOW.test(metric);
export const isPercent = (promql: string): boolean => /percent|\b100 ?\*|\* ?100\b/i.test(promql);

/** Returns whether a query is a share of failed requests. */
export function isErrorRatio(promql: string): boolean {
  const selectors = selectorsIn(promql);
  if (selectors.some((selector) => isRatioName(/^[\w:]+/.exec(selector)?.[0] ?? ''))) return true;
  const isDivision = nodesOf(parser.parse(promql), 'BinaryExpr').some((node) => node.getChild('Div') !== null);
  return isDivision && (selectsFailures(promql) || selectors.some((selector) => /err|fail/i.test(selector)));
}

/** Values of status labels that select failed requests: `500`, `5xx`, `5..`, `500|503`, or with `!=`, `!~`: `200`, `2..`. */
const FAILED_STATUS = /^[(^]*5(?:\d\d|xx|[.[\\])/i;
const SUCCESSFUL_STATUS = /^[(^]*(?:[1-4](?:\d\d|xx|[.[\\])|\[1-|ok\b|success)/i;

/** Returns whether a matcher of a status label selects failed requests. */
const selectsFailures = (promql: string): boolean =>
  nodesOf(parser.parse(promql), 'UnquotedLabelMatcher').some((node) => {
    const text = (name: string): string => {
      const child = node.getChild(name);
      return child === null ? '' : promql.slice(child.from, child.to);
    };
    if (!STATUS_LABELS.some((label) => label === text('LabelName'))) return false;
    const value = text('StringLiteral').slice(1, -1);
    return text('MatchOp').startsWith('!') ? SUCCESSFUL_STATUS.test(value) : FAILED_STATUS.test(value);
  });

/** Limits every selector of a query to series with these labels. Existing matchers of the labels stay. */
export function limitedTo(promql: string, labels: Labels): string {
  const edits = nodesOf(parser.parse(promql), 'VectorSelector').flatMap((node) => {
    const matchers = node.getChild('LabelMatchers');
    const matcherText = matchers === null ? '' : promql.slice(matchers.from + 1, matchers.to - 1).trim();
    const added = Object.entries(labels)
      .filter(([label]) => !new RegExp(`(?:^|[,\\s])${RegExp.escape(label)}\\s*=\\s*["'\`]`).test(matcherText))
      .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
      .join(', ');
    if (added === '') return [];
    return matchers === null
      ? [{ at: node.to, text: `{${added}}` }]
      : [{ at: matchers.from + 1, text: matcherText === '' ? added : `${added}, ` }];
  });
  return edits
    .toSorted((a, b) => b.at - a.at)
    .reduce((text, { at, text: added }) => text.slice(0, at) + added + text.slice(at), promql);
}

/** Returns the value that every selector of a query requires for a label. Null: none, or several. */
export function requiredValue(promql: string, label: string): string | null {
  const matcher = new RegExp(`[{,]\\s*${RegExp.escape(label)}\\s*=\\s*"([^"\\\\]+)"`);
  const values = selectorsIn(promql).map((selector) => matcher.exec(selector)?.[1] ?? null);
  return values.length > 0 && values.every((value) => value === values[0]) ? (values[0] ?? null) : null;
}

/** Returns the traffic by which a ratio divides. */
export const trafficOf = (promql: string): string | null => ratioOf(promql)?.whole ?? null;
