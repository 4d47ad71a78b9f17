import { parser } from '@prometheus-io/lezer-promql';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Anatomy, anatomyOf } from '../../../schemas/parsing/promql-anatomy.ts';
import { WINDOW } from '../../../schemas/slo/slo.ts';
import { runs } from '../../support/runs.ts';

/* The parts of a query are the same as by the grammar of Prometheus's own editor. */

/** A duration of the same length, so that positions stay the same. */
const DURATION = '0000000001s';

/** Returns the parts by the grammar; undefined if the query is not valid PromQL. */
function byGrammar(query: string): Anatomy | undefined {
  const found: Anatomy = { metrics: [], calls: [], ranges: [] };
  let isValid = true;
  parser.parse(query.replaceAll(WINDOW, DURATION)).iterate({
    enter: ({ name, type, from, to, node }) => {
      const textOf = (part: { from: number; to: number }): string => query.slice(part.from, part.to);
      const child = (kind: string): string | undefined => {
        const part = node.getChild(kind);
        return part === null ? undefined : textOf(part);
      };
      const unquoted = (text: string): string => text.slice(1, -1);
      isValid &&= !type.isError;
      const metric = name === 'VectorSelector' ? child('Identifier') : undefined;
      if (metric !== undefined) found.metrics.push(metric);
      if (name === 'QuotedLabelName') found.metrics.push(unquoted(textOf({ from, to })));
      if (name === 'UnquotedLabelMatcher' && child('LabelName') === '__name__' && child('MatchOp') === '=')
        found.metrics.push(unquoted(child('StringLiteral') ?? ''));
      if (name === 'FunctionIdentifier') found.calls.push(textOf({ from, to }));
      if (name === 'AggregateOp') found.calls.push(textOf({ from, to }).toLowerCase());
      if (name === 'AtModifierPreprocessors') found.calls.push(textOf({ from, to }));
      if (name === 'MatrixSelector' || name === 'SubqueryExpr') found.ranges.push(child('DurationExpr') ?? '');
    },
  });
  return isValid ? found : undefined;
}

const text = fc.constantFrom('"a"', "'b'", '`c`', '"5.."', '"x}"', '"a(b"', '"#"', '"\\""', "'{'", `"${WINDOW}"`);
const range = fc.constantFrom('5m', '1h30m', '300', WINDOW);
const number = fc.constantFrom('1', '0.5', '1e-3', '0x1f', '.5', 'Inf', 'NaN', '-1', '5m');
const name = fc.constantFrom('x_total', 'job:x:rate5m', 'sum', 'rate', 'count', 'le', 'e5');
const operator = fc.constantFrom(
  '+',
  '-',
  '/',
  '^',
  '==',
  '> bool',
  'and',
  'UNLESS',
  'atan2',
  '* on (a) group_left (b)',
);
const grouping = fc.constantFrom('by (a)', 'BY(a, b,)', 'without ()', 'by (sum, by)');
const modifier = fc.constantFrom('', ' offset -5m', ' @ 1609746000', ' @ end() offset 5m');
const over = fc.constantFrom('rate', 'increase', 'avg_over_time');
const aggregation = fc.constantFrom('sum', 'SUM', 'count', 'group');

/** Returns texts with a placeholder `%` for each part. */
const filled = (template: string, ...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((values) => values.reduce((done, value) => done.replace('%', () => value), template));

const selector = fc.oneof(
  name,
  filled('%{a=%, by!~%,}', name, text, text),
  filled('{__name__=%}', text),
  filled('{__name__=~%, code=%}', text, text),
  fc.constant('{"http.requests", code="500"}'),
);

const { query } = fc.letrec<{ query: string }>((tie) => ({
  query: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    filled('%%', selector, modifier),
    number,
    filled('%(%[%]%)', over, selector, range, modifier),
    filled('max_over_time((%)[%:1m])', tie('query'), range),
    filled('% % (%)', aggregation, grouping, tie('query')),
    filled('%(%) %', aggregation, tie('query'), grouping),
    filled('% % %', tie('query'), operator, tie('query')),
    filled('(% # a ( "\n) % (%)', tie('query'), operator, tie('query')),
    filled('histogram_quantile(0.9, -%)', tie('query')),
    filled('label_replace(%, "a", "$1", "b", "(.*)")', tie('query')),
  ),
}));

test("the parts of a query are the same as by the grammar of Prometheus's editor", () => {
  let compared = 0;
  fc.assert(
    fc.property(query, (asked) => {
      const expected = byGrammar(asked);
      if (expected === undefined) return;
      compared += 1;
      const found = anatomyOf(asked);
      const sorted = ({ metrics, calls, ranges }: Anatomy) =>
        [metrics, calls, ranges].map((all) => all.toSorted().join(' '));
      expect(sorted(found)).toEqual(sorted(expected));
    }),
    { numRuns: runs(150) },
  );
  expect(compared).toBeGreaterThan(runs(75));
});
