import { type Expression, type Matching, parseExpression } from './telemetry/expression.ts';
import { counterSamplesOf, type Labels, NAME, type Series, type Source } from './telemetry/series.ts';

/**
 * Moments of an evaluation: `count` of them, `step` seconds apart. `now`: the time of the query, which sees later samples
 * than a step's own; null: every step is evaluated at its own time, as a rule is.
 */
export type Grid = { start: number; step: number; count: number; now: number | null };

/** One series of a result. `present`: 0 where it has no sample, which differs from NaN. */
export type Result = { labels: Labels; values: Float64Array; present: Uint8Array };

type Value = number | Result[];

/** Seconds for which an instant selector returns the last sample. */
const LOOK_BACK_SECONDS = 300;

/** Evaluates a query as Prometheus 3 does: ranges and the look-back exclude their start. A scalar is a series without labels. */
export function evaluate(query: string, grid: Grid, source: Source): Result[] {
  const value = valueOf(parseExpression(query), grid, source);
  return typeof value === 'number' ? [constant(value, grid)] : value;
}

function valueOf(expression: Expression, grid: Grid, source: Source): Value {
  switch (expression.kind) {
    case 'number':
      return expression.value;
    case 'vector': {
      const { name, matchers, offset } = expression;
      return existing(source.select(name, matchers).map((series) => instant(series, grid, offset)));
    }
    case 'matrix':
      throw new TypeError('a range needs a function');
    case 'call':
      return called(expression, grid, source);
    case 'aggregate':
      return aggregated(expression, vectorOf(expression.argument, grid, source), grid);
    case 'binary':
      return combined(expression, grid, source);
  }
}

function vectorOf(expression: Expression, grid: Grid, source: Source): Result[] {
  const value = valueOf(expression, grid, source);
  if (typeof value === 'number') throw new TypeError('a vector is needed');
  return value;
}

const empty = (labels: Labels, { count }: Grid): Result => ({
  labels,
  values: new Float64Array(count),
  present: new Uint8Array(count),
});

function constant(value: number, grid: Grid): Result {
  const result = empty({}, grid);
  result.values.fill(value);
  result.present.fill(1);
  return result;
}

const existing = (results: Result[]): Result[] => results.filter(({ present }) => present.includes(1));

const timeAt = ({ start, step }: Grid, index: number): number => start + index * step;

/** Returns the newest time of a sample that is visible at a step. */
const visibleUntil = (grid: Grid, time: number, delay: number): number => Math.min(time, (grid.now ?? time) - delay);

function instant(series: Series, grid: Grid, offset: number): Result {
  const result = empty(series.labels, grid);
  const { times, values, stale, delay } = series;
  let next = 0;
  for (let index = 0; index < grid.count; index += 1) {
    const time = timeAt(grid, index);
    const until = Math.min(time - offset, visibleUntil(grid, time, delay));
    while (next < times.length && (times[next] ?? Infinity) <= until) next += 1;
    const last = next - 1;
    if (last < 0 || (stale?.[last] ?? 0) === 1) continue;
    if ((times[last] ?? -Infinity) <= time - offset - LOOK_BACK_SECONDS) continue;
    result.values[index] = values[last] ?? NaN;
    result.present[index] = 1;
  }
  return result;
}

/** A function of the samples of a range: indexes `from` to `to`, both included. Undefined: no sample. */
type OfRange = (
  series: ReturnType<typeof counterSamplesOf>,
  from: number,
  to: number,
  end: number,
) => number | undefined;

function overRange(
  series: Series,
  grid: Grid,
  { range, offset }: { range: number; offset: number },
  rangeFunction: OfRange,
) {
  const result = empty(withoutName(series.labels), grid);
  const samples = counterSamplesOf(series);
  const { times } = samples;
  let [from, to] = [0, -1];
  for (let index = 0; index < grid.count; index += 1) {
    const time = timeAt(grid, index);
    const end = time - offset;
    const until = Math.min(end, visibleUntil(grid, time, series.delay));
    while (to + 1 < times.length && (times[to + 1] ?? Infinity) <= until) to += 1;
    while (from < times.length && (times[from] ?? Infinity) <= end - range) from += 1;
    const value = from > to ? undefined : rangeFunction(samples, from, to, end);
    if (value === undefined) continue;
    result.values[index] = value;
    result.present[index] = 1;
  }
  return result;
}

/** Maximum distance of the first and last sample from the ends of a range, in average distances of samples. */
const EXTRAPOLATED = 1.1;

/** Returns the increase of a counter, extrapolated to the ends of the range as Prometheus does. */
const increaseIn =
  (range: number): OfRange =>
  ({ times, values, increments: risen }, from, to, end) => {
    if (to <= from) return undefined;
    const [first, last] = [times[from] ?? NaN, times[to] ?? NaN];
    const increase = (risen[to] ?? NaN) - (risen[from] ?? NaN);
    const value = values[from] ?? NaN;
    const sampled = last - first;
    const distance = sampled / (to - from);
    let toStart = first - (end - range);
    if (increase > 0 && value >= 0) toStart = Math.min(toStart, sampled * (value / increase));
    const toEnd = end - last;
    const limit = distance * EXTRAPOLATED;
    const covered = sampled + (toStart < limit ? toStart : distance / 2) + (toEnd < limit ? toEnd : distance / 2);
    return increase * (covered / sampled);
  };

const folded =
  (fold: (sum: number, value: number) => number, finish: (sum: number, count: number) => number): OfRange =>
  ({ values }, from, to) => {
    let sum = values[from] ?? NaN;
    for (let index = from + 1; index <= to; index += 1) sum = fold(sum, values[index] ?? NaN);
    return finish(sum, to - from + 1);
  };

const add = (a: number, b: number): number => a + b;

const OVER_TIME: Readonly<Record<string, OfRange>> = {
  max_over_time: folded(Math.max, (sum) => sum),
  min_over_time: folded(Math.min, (sum) => sum),
  sum_over_time: folded(add, (sum) => sum),
  avg_over_time: folded(add, (sum, count) => sum / count),
  count_over_time: (_samples, from, to) => to - from + 1,
};

type Call = Extract<Expression, { kind: 'call' }>;

function called({ name, args }: Call, grid: Grid, source: Source): Value {
  const [first, second] = args;
  if (first === undefined) throw new TypeError(`${name}() needs an argument`);
  if (first.kind === 'matrix') {
    const { range } = first;
    const increase = increaseIn(range);
    const rangeFunction: OfRange | undefined =
      name === 'increase'
        ? increase
        : name === 'rate'
          ? (samples, from, to, end) => {
              const risen = increase(samples, from, to, end);
              return risen === undefined ? undefined : risen / range;
            }
          : OVER_TIME[name];
    if (rangeFunction === undefined) throw new TypeError(`${name}() is not evaluated here`);
    return existing(
      source.select(first.name, first.matchers).map((series) => overRange(series, grid, first, rangeFunction)),
    );
  }
  const number = (argument: Expression | undefined): number => (argument?.kind === 'number' ? argument.value : NaN);
  switch (name) {
    case 'vector':
      return [constant(number(first), grid)];
    case 'absent':
      return existing([absent(first, vectorOf(first, grid, source), grid)]);
    case 'clamp_min':
      return vectorOf(first, grid, source).map((one) => mapped(one, (value) => Math.max(value, number(second))));
    case 'clamp_max':
      return vectorOf(first, grid, source).map((one) => mapped(one, (value) => Math.min(value, number(second))));
    case 'histogram_quantile':
      if (second === undefined) throw new TypeError('histogram_quantile() needs buckets');
      return quantiles(number(first), vectorOf(second, grid, source), grid);
    default:
      throw new TypeError(`${name}() is not evaluated here`);
  }
}

const mapped = ({ labels, values, present }: Result, transform: (value: number) => number): Result => ({
  labels: withoutName(labels),
  values: values.map(transform),
  present,
});

function withoutName(labels: Labels): Labels {
  const { [NAME]: _, ...rest } = labels;
  return rest;
}

function absent(argument: Expression, results: readonly Result[], grid: Grid): Result {
  const equalities = argument.kind === 'vector' ? argument.matchers.filter(({ equals }) => equals !== null) : [];
  const result = constant(1, grid);
  for (const { present } of results)
    for (let index = 0; index < grid.count; index += 1) if (present[index] === 1) result.present[index] = 0;
  return { ...result, labels: Object.fromEntries(equalities.map(({ label, equals }) => [label, equals ?? ''])) };
}

/** Groups results by their labels. Returns the members of each group with the labels that they share. */
function grouped(
  results: readonly Result[],
  labelsOf: (labels: Labels) => Labels,
): Map<string, { labels: Labels; members: Result[] }> {
  const groups = new Map<string, { labels: Labels; members: Result[] }>();
  for (const result of results) {
    const labels = labelsOf(result.labels);
    const key = keyOf(labels);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { labels, members: [result] });
    else group.members.push(result);
  }
  return groups;
}

const keyOf = (labels: Labels): string =>
  Object.keys(labels)
    .toSorted()
    .map((name) => `${name}=${labels[name] ?? ''}`)
    .join('\n');

/** Returns a function that keeps these labels, or all others but the name. */
const keeping = ({ by, labels: names }: { by: boolean; labels: readonly string[] }) => {
  const named = new Set(names);
  return (labels: Labels): Labels =>
    Object.fromEntries(Object.entries(labels).filter(([name]) => named.has(name) === by && (by || name !== NAME)));
};

function aggregated(
  { op, grouping }: Extract<Expression, { kind: 'aggregate' }>,
  results: Result[],
  grid: Grid,
): Result[] {
  return [...grouped(results, keeping(grouping)).values()].map(({ labels, members }) => {
    const result = empty(labels, grid);
    const { values, present } = result;
    const counts = new Uint32Array(grid.count);
    for (const member of members) {
      for (let index = 0; index < grid.count; index += 1) {
        if (member.present[index] === 0) continue;
        const value = member.values[index] ?? NaN;
        const before = values[index] ?? NaN;
        if (present[index] === 0) values[index] = value;
        else
          values[index] =
            op === 'max' ? Math.max(before, value) : op === 'min' ? Math.min(before, value) : before + value;
        present[index] = 1;
        counts[index] = (counts[index] ?? 0) + 1;
      }
    }
    if (op === 'avg' || op === 'count')
      for (let index = 0; index < grid.count; index += 1)
        values[index] = op === 'count' ? (counts[index] ?? 0) : (values[index] ?? NaN) / (counts[index] ?? NaN);
    else if (op !== 'sum' && op !== 'max' && op !== 'min') throw new TypeError(`${op} is not evaluated here`);
    return result;
  });
}

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': add,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};
const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
};

type Binary = Extract<Expression, { kind: 'binary' }>;

function combined(expression: Binary, grid: Grid, source: Source): Value {
  const left = valueOf(expression.left, grid, source);
  const right = valueOf(expression.right, grid, source);
  const { op, matching, isBool } = expression;
  const [calculate, compare] = [ARITHMETIC[op], COMPARISONS[op]];
  if (typeof left === 'number' && typeof right === 'number')
    return calculate === undefined ? Number(compare?.(left, right) ?? NaN) : calculate(left, right);
  if (typeof left === 'number' || typeof right === 'number') {
    const vector = typeof left === 'number' ? (right as Result[]) : left;
    const [a, b] = [typeof left === 'number' ? left : null, typeof right === 'number' ? right : null];
    return existing(vector.map((one) => applied(one, { a, b, calculate, compare, isBool })));
  }
  const signature = signatureOf(matching);
  if (calculate === undefined && compare === undefined) return setOperation(op, left, right, signature);
  const others = grouped(right, signature);
  const results = [...grouped(left, signature)].flatMap(([key, { members }]) => {
    const partners = others.get(key)?.members ?? [];
    return members.flatMap((one) =>
      partners.map((partner) => paired(one, partner, { matching, calculate, compare, isBool })),
    );
  });
  return existing(results);
}

const signatureOf = (matching: Matching | null) =>
  keeping(matching === null ? { by: false, labels: [] } : { by: matching.on, labels: matching.labels });

type Operation = Pick<Binary, 'isBool'> & {
  calculate: ((a: number, b: number) => number) | undefined;
  compare: ((a: number, b: number) => boolean) | undefined;
};

function applied(
  one: Result,
  { a, b, calculate, compare, isBool }: Operation & { a: number | null; b: number | null },
) {
  const result: Result = {
    labels: compare !== undefined && !isBool ? one.labels : withoutName(one.labels),
    values: Float64Array.from(one.values),
    present: Uint8Array.from(one.present),
  };
  for (let index = 0; index < one.values.length; index += 1) {
    const value = one.values[index] ?? NaN;
    const [left, right] = [a ?? value, b ?? value];
    if (calculate !== undefined) result.values[index] = calculate(left, right);
    else if (isBool) result.values[index] = Number(compare?.(left, right));
    else if (compare?.(left, right) !== true) result.present[index] = 0;
  }
  return result;
}

function paired(
  one: Result,
  other: Result,
  { matching, calculate, compare, isBool }: Operation & Pick<Binary, 'matching'>,
): Result {
  const keepsName = compare !== undefined && !isBool && matching === null;
  const labels = keepsName ? one.labels : signatureOf(matching)(one.labels);
  const result: Result = { labels, values: Float64Array.from(one.values), present: Uint8Array.from(one.present) };
  for (let index = 0; index < one.values.length; index += 1) {
    if (other.present[index] === 0) result.present[index] = 0;
    const [left, right] = [one.values[index] ?? NaN, other.values[index] ?? NaN];
    if (calculate !== undefined) result.values[index] = calculate(left, right);
    else if (isBool) result.values[index] = Number(compare?.(left, right));
    else if (compare?.(left, right) !== true) result.present[index] = 0;
  }
  return result;
}

function setOperation(op: string, left: Result[], right: Result[], signature: (labels: Labels) => Labels): Result[] {
  /** Returns the results without the steps at which the other side has a sample (`without`), or has none. */
  const masked = (results: readonly Result[], others: readonly Result[], without: boolean): Result[] => {
    const groups = grouped(others, signature);
    return existing(
      results.map((one) => {
        const partners = groups.get(keyOf(signature(one.labels)))?.members ?? [];
        const present = one.present.map((is, index) =>
          is === 1 && partners.some((partner) => partner.present[index] === 1) !== without ? 1 : 0,
        );
        return { ...one, present };
      }),
    );
  };
  if (op === 'and') return masked(left, right, false);
  if (op === 'unless') return masked(left, right, true);
  if (op === 'or') return [...left, ...masked(right, left, true)];
  throw new TypeError(`${op} is not evaluated here`);
}

function quantiles(q: number, buckets: readonly Result[], grid: Grid): Result[] {
  const keep = keeping({ by: false, labels: ['le'] });
  const groups = [...grouped(buckets, keep).values()];
  return existing(
    groups.map(({ labels, members }) => {
      const result = empty(labels, grid);
      const sorted = members
        .map((one) => ({ ...one, limit: one.labels['le'] === '+Inf' ? Infinity : Number(one.labels['le']) }))
        .toSorted((a, b) => a.limit - b.limit);
      for (let index = 0; index < grid.count; index += 1) {
        const at = sorted.filter(({ present }) => present[index] === 1);
        if (at.length === 0) continue;
        const counts = at.map(({ limit, values }) => ({ limit, count: values[index] ?? NaN }));
        result.values[index] = quantileOf(q, counts);
        result.present[index] = 1;
      }
      return result;
    }),
  );
}

/** Estimates a quantile, linearly within a bucket. @param buckets cumulative, by their upper limits */
function quantileOf(q: number, buckets: { limit: number; count: number }[]): number {
  let highest = 0;
  const counts = buckets.map(({ count }) => (highest = Math.max(highest, count))); // never fewer than below
  const last = buckets.length - 1;
  if (last < 1 || buckets[last]?.limit !== Infinity || highest === 0 || Number.isNaN(highest)) return NaN;
  const rank = q * highest;
  const found = counts.findIndex((count, index) => index < last && count >= rank);
  if (found === -1) return buckets[last - 1]?.limit ?? NaN;
  const end = buckets[found]?.limit ?? NaN;
  if (found === 0 && end <= 0) return end;
  const start = found === 0 ? 0 : (buckets[found - 1]?.limit ?? NaN);
  const below = found === 0 ? 0 : (counts[found - 1] ?? NaN);
  return start + (end - start) * ((rank - below) / ((counts[found] ?? NaN) - below));
}
