import type { HttpMetric, JudgeMetric } from '../../../schemas/judge/judge-config.ts';
import type { HttpSample } from '../../../schemas/judge/judgement.ts';
import { sameVersion } from '../changes/versions.ts';
import type { InWindow, Histogram, CanaryEvidence, MetricEvidence, Sides, Value } from './evidence.ts';
import type { Count } from './counts.ts';
import type { Series } from '../ports/metrics.ts';

export type PromMetric = Exclude<JudgeMetric, HttpMetric>;
type MeasuredSeries = { metric: PromMetric; read: { first: Series[]; second: Series[] } | { because: string } };
type MeasuredSamples = { metric: HttpMetric; read: readonly HttpSample[] };

/**
 * What was read for a metric: the series of its queries, or why not; over HTTP, the samples of all checks. `first`: bad
 * events, buckets, or values. `second`: all events of a ratio, else empty.
 */
export type Measured = MeasuredSeries | MeasuredSamples;

/** Times at which series were read: every `step` seconds back from `until`, in epoch seconds. */
export type Grid = { step: number; until: number };

/** Seconds of the version's newest traffic that are compared. */
export const COMPARED_SECONDS = 3600;

/** Seconds before the version's start in which the baseline is compared. */
export const HISTORY_SECONDS = 3600;

type EvidenceRequest = {
  version: string;
  /** Null: find one. */
  baseline: string | null;
  /** Recorded start of the version in epoch seconds. Null: not recorded. */
  startedAt: number | null;
  label: string;
  /** Absent: series without the label are not measured. */
  deploy?: RecordedDeploy;
  /** Why the time before the deploy is not that of `baseline`. Absent: it is. */
  notBefore?: string;
};

/** When a version took over, in epoch seconds. It splits the series that do not name versions. */
export type RecordedDeploy = {
  /** Until then, only the version before served. */
  startedAt: number;
  /** Since then, only this version serves. Null: both serve, as far as is known. */
  endedAt: number | null;
  /** The version before. Null: not recorded, or the same one. */
  previous: string | null;
  /** Until then, only this version served, and another one after it. Absent: none came after it. */
  replacedAt?: number;
};

/** Values by time for each version. */
type Curves<T> = Map<string, Map<number, T>>;

/** Name of the baseline if no version before is recorded. */
const UNNAMED = 'the service';

/** Turns series into evidence. `since`: end of the version's first window, in epoch seconds. Null: it has none. */
export function evidenceOf(
  read: readonly Measured[],
  grid: Grid,
  request: EvidenceRequest,
): { evidence: CanaryEvidence; since: number | null } {
  const all = read.map((measured) => splitByTime(measured, grid, request));
  const isPartial = request.deploy?.endedAt === null && all.some((measured, index) => measured !== read[index]);
  const activity = activityOf(all, request.label);
  const versionNames = [...activity.keys()].filter((name) => sameVersion(name, request.version));
  const since = firstTimeOf(
    versionNames.map((name) => activity.get(name) ?? new Map<number, number>()),
    grid,
    request.startedAt,
  );
  const baseline =
    baselineOf(activity, versionNames, request, { ...grid, since: since ?? grid.until }) ??
    otherVersionIn(all, request.version);
  const labelValues = {
    own: versionNames,
    baseline: baseline === null ? [] : [...activity.keys()].filter((name) => sameVersion(name, baseline)),
  };
  return {
    since,
    evidence: {
      version: request.version,
      baseline,
      look: Math.max(since === null ? 0 : (grid.until - since) / grid.step + 1, ...all.map(checksOf(request.version))),
      metrics: all.map((measured) => metricOf(measured, labelValues, { ...grid, since }, request)),
      ...(isPartial && { isPartial }),
    },
  };
}

/** Names the versions of series that do not, by the time of the deploy. Series of which one names a version stay as read. */
function splitByTime(
  measured: Measured,
  { step }: Grid,
  { version, baseline, label, deploy, notBefore }: EvidenceRequest,
): Measured {
  if (deploy === undefined || isOverHttp(measured) || 'because' in measured.read) return measured;
  const { first, second } = measured.read;
  if ([...first, ...second].some(({ labels }) => (labels[label] ?? '') !== '')) return measured;
  if (notBefore !== undefined) return { metric: measured.metric, read: { because: notBefore } };
  const previous = baseline ?? deploy.previous ?? UNNAMED;
  const from = (deploy.endedAt ?? deploy.startedAt) + step;
  const named = (series: Series, name: string, isKept: (at: number) => boolean): Series => ({
    labels: { ...series.labels, [label]: name },
    values: series.values.filter(([at]) => isKept(at)),
  });
  const split = (all: readonly Series[]): Series[] =>
    all.flatMap((series) => [
      named(series, version, (at) => at >= from && at <= (deploy.replacedAt ?? Infinity)),
      named(series, previous, (at) => at <= deploy.startedAt),
    ]);
  return { metric: measured.metric, read: { first: split(first), second: split(second) } };
}

/**
 * Returns what a service did, whatever its versions, in the windows since a time and in the hour before. For the same
 * service on an earlier day, and for other services.
 *
 * @param since end of the first window
 */
export function metricsByTime(all: readonly Measured[], grid: Grid, label: string, since: number): MetricEvidence[] {
  const unnamed = all.map((measured): Measured => {
    if (isOverHttp(measured) || 'because' in measured.read) return measured;
    const strip = (series: readonly Series[]) =>
      series.map((one) => ({ ...one, labels: { ...one.labels, [label]: '' } }));
    return {
      metric: measured.metric,
      read: { first: strip(measured.read.first), second: strip(measured.read.second) },
    };
  });
  const startedAt = since - grid.step;
  const deploy = { startedAt, endedAt: startedAt, previous: null };
  return [...evidenceOf(unnamed, grid, { version: SINCE, baseline: null, startedAt, label, deploy }).evidence.metrics];
}

/** Stands for the version of a service that has none. */
const SINCE = 'since';

/** Returns the other version that was measured over HTTP. Null: none. */
const otherVersionIn = (all: readonly Measured[], version: string): string | null =>
  all
    .flatMap((measured) => (isOverHttp(measured) ? measured.read : []))
    .find((sample) => !sameVersion(sample.version, version))?.version ?? null;

const checksOf =
  (version: string) =>
  (measured: Measured): number =>
    isOverHttp(measured) ? measured.read.filter((sample) => sameVersion(sample.version, version)).length : 0;

const isOverHttp = (measured: Measured): measured is MeasuredSamples => measured.metric.kind === 'http';

/** Returns how active each version was at each time: its traffic, or 1 where only values are measured. */
function activityOf(all: readonly Measured[], label: string): Curves<number> {
  const result: Curves<number> = new Map();
  for (const measured of all) {
    if (isOverHttp(measured)) continue;
    const { metric, read } = measured;
    if ('because' in read) continue;
    const series = metric.kind === 'ratio' ? read.second : read.first.filter(countsAllRequests);
    for (const [version, curve] of curvesOf(series, label)) {
      const known = result.get(version) ?? new Map<number, number>();
      for (const [at, value] of curve) {
        const amount = metric.kind === 'value' ? 1 : value;
        if (amount > 0) known.set(at, Math.max(known.get(at) ?? 0, amount));
      }
      result.set(version, known);
    }
  }
  return result;
}

/** Returns whether a series counts all requests: it is no bucket, or the one without bound. */
const countsAllRequests = ({ labels }: Series): boolean =>
  labels['le'] === undefined || boundOf(labels['le']) === Infinity;

function curvesOf(series: readonly Series[], label: string): Curves<number> {
  const result: Curves<number> = new Map();
  for (const { labels, values } of series) {
    const version = labels[label];
    if (version === undefined || version === '') continue;
    const curve = result.get(version) ?? new Map<number, number>();
    for (const [at, value] of values) if (Number.isFinite(value)) curve.set(at, (curve.get(at) ?? 0) + value);
    result.set(version, curve);
  }
  return result;
}

/** Steps without the version after which it counts as started again, such as a canary that is tried once more. */
const GAP_STEPS = 10;

/**
 * Returns the first time of the version since its recorded start and its last long pause, and within the time that is
 * compared.
 */
function firstTimeOf(curves: readonly Map<number, number>[], grid: Grid, startedAt: number | null): number | null {
  const earliest = Math.max(grid.until - COMPARED_SECONDS, startedAt ?? -Infinity);
  const times = curves
    .flatMap((curve) => [...curve.keys()])
    .filter((at) => at > earliest && at <= grid.until)
    .toSorted((a, b) => a - b);
  return times.findLast((at, index) => index === 0 || at - (times[index - 1] ?? at) > GAP_STEPS * grid.step) ?? null;
}

/** Newest steps in which another version counts as serving beside this one. */
const RECENT_STEPS = 3;

/** Returns the requested baseline, else the other version with the most traffic now, else before. */
function baselineOf(
  activity: Curves<number>,
  own: readonly string[],
  { baseline }: EvidenceRequest,
  { step, until, since }: Grid & { since: number },
): string | null {
  if (baseline !== null) return baseline;
  const others = [...activity].filter(([name]) => !own.includes(name));
  const busiest = (from: number, to: number): string | null => {
    const sums = others.map(([name, curve]) => ({
      name,
      sum: [...curve].reduce((sum, [at, value]) => (at > from && at <= to ? sum + value : sum), 0),
    }));
    const [busiestVersion] = sums
      .filter(({ sum }) => sum > 0)
      .toSorted((a, b) => b.sum - a.sum || (a.name < b.name ? -1 : 1));
    return busiestVersion?.name ?? null;
  };
  return busiest(until - RECENT_STEPS * step, until) ?? busiest(since - HISTORY_SECONDS, since);
}

type LabelValues = { own: readonly string[]; baseline: readonly string[] };
type VersionGrid = Grid & { since: number | null };

function metricOf(
  measured: Measured,
  labelValues: LabelValues,
  times: VersionGrid,
  request: EvidenceRequest,
): MetricEvidence {
  if (isOverHttp(measured)) return evidenceOfSamples(measured, request);
  const { metric, read } = measured;
  const { name } = metric;
  if ('because' in read) return { kind: 'missing', name, because: read.because };
  const { label, version } = request;
  if (times.since === null) {
    return { kind: 'missing', name, because: whyUnmeasured([...read.first, ...read.second], label, version) };
  }
  const common = { name, max: metric.max ?? null, ignoreBelow: metric.ignoreBelow };
  switch (metric.kind) {
    case 'ratio': {
      const [bad, total] = [curvesOf(read.first, label), curvesOf(read.second, label)];
      const count = (at: number, names: readonly string[], seconds: number): Count | null => {
        const all = sumAt(total, names, at);
        return all === null ? null : { total: all * seconds, bad: Math.max(0, sumAt(bad, names, at) ?? 0) * seconds };
      };
      return { kind: 'ratio', ...common, ...sidesOf(count, labelValues, times) };
    }
    case 'latency': {
      const bounds = [...Map.groupBy(read.first, ({ labels }) => boundOf(labels['le']))]
        .filter(([bound]) => !Number.isNaN(bound))
        .toSorted(([a], [b]) => a - b)
        .map(([bound, series]) => [bound, curvesOf(series, label)] as const);
      const histogram = (at: number, names: readonly string[], seconds: number): Histogram | null => {
        const buckets = bounds.flatMap(([bound, curves]) => {
          const count = sumAt(curves, names, at);
          return count === null ? [] : [[bound, count * seconds] as const];
        });
        return buckets.at(-1)?.[0] === Infinity ? { buckets } : null;
      };
      return { kind: 'latency', ...common, quantile: metric.quantile, ...sidesOf(histogram, labelValues, times) };
    }
    case 'value': {
      const curves = curvesOf(read.first, label);
      const value = (at: number, names: readonly string[]): Value | null => {
        const sum = sumAt(curves, names, at);
        return sum === null ? null : { value: sum };
      };
      return {
        kind: 'value',
        ...common,
        worse: metric.worse,
        ...(metric.max !== undefined && { failures: VALUES_BEYOND_LIMIT }),
        ...withoutOverlap(sidesOf(value, labelValues, times), times),
      };
    }
  }
}

/** Returns why series say nothing about a version. */
function whyUnmeasured(series: readonly Series[], label: string, version: string): string {
  if (series.length === 0) return 'the query has no data';
  const names = series.map(({ labels }) => labels[label] ?? '');
  if (names.some((name) => sameVersion(name, version))) return 'nothing was measured since the deploy';
  return names.every((name) => name === '')
    ? `no deploy of ${version} is recorded, and no series has the label ${label}`
    : `no series has the label ${label}="${version}"`;
}

/** Newest values beyond a limit with which a version is degraded: one can be a single failed request. */
const VALUES_BEYOND_LIMIT = 2;

/** Smallest difference of a failure that matters: values are 0 and 1. */
const FAILURE_DIFFERENCE = 0.5;

function evidenceOfSamples({ metric, read }: MeasuredSamples, { version }: EvidenceRequest): MetricEvidence {
  const { name, worse, failures } = metric;
  const isFailure = metric.value === 'failure';
  const values = (isOwn: boolean): InWindow<Value>[] =>
    read.flatMap(({ at, value, detail, ...sample }) =>
      value !== null && sameVersion(sample.version, version) === isOwn
        ? [{ at, value, ...(detail !== '' && { detail }) }]
        : [],
    );
  const versionValues = isFailure ? sinceFirstSuccess(values(true)) : values(true);
  if (versionValues.length === 0)
    return {
      kind: 'missing',
      name,
      because: read.findLast(({ detail }) => detail !== '')?.detail ?? 'not measured yet',
    };
  return {
    kind: 'value',
    name,
    worse,
    max: metric.max ?? (isFailure ? 0 : null),
    ignoreBelow: metric.ignoreBelow ?? (isFailure ? FAILURE_DIFFERENCE : 0),
    failures,
    version: versionValues,
    baseline: values(false),
    history: [],
  };
}

/** Leaves out failures before the first success: the version was starting. Without a success, all failures count. */
const sinceFirstSuccess = (values: InWindow<Value>[]): InWindow<Value>[] =>
  values.slice(
    Math.max(
      0,
      values.findIndex(({ value }) => value === 0),
    ),
  );

const boundOf = (le: string | undefined): number => (le === '+Inf' ? Infinity : le === undefined ? NaN : Number(le));

/** Adds the values of several names of a version. Null: none has one. */
function sumAt(curves: Curves<number>, names: readonly string[], at: number): number | null {
  const values = names.map((name) => curves.get(name)?.get(at)).filter((value) => value !== undefined);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
}

/**
 * Steps in the range of a rate. Versions that serve side by side are compared at each step, so a step counts half of
 * each rate; of the history, every second rate is taken.
 */
const RANGE_STEPS = 2;

function sidesOf<T extends object>(
  of: (at: number, names: readonly string[], seconds: number) => T | null,
  { own, baseline }: LabelValues,
  { step, until, since }: VersionGrid,
): Sides<T> {
  const from = since ?? until + step;
  const times = Array.from({ length: Math.floor((until - from) / step) + 1 }, (_, index) => from + index * step);
  const range = RANGE_STEPS * step;
  const historyTimes = Array.from(
    { length: Math.floor(HISTORY_SECONDS / range) },
    (_, index) => from - step - HISTORY_SECONDS + (index + 1) * range,
  );
  const windows = (names: readonly string[], ends: readonly number[], seconds: number): InWindow<T>[] =>
    ends.flatMap((at) => {
      const measured = of(at, names, seconds);
      return measured === null ? [] : [{ at, ...measured }];
    });
  return {
    version: windows(own, times, step),
    baseline: windows(baseline, times, step),
    history: windows(baseline, historyTimes, range),
  };
}

/** Leaves out every second window, because windows overlap by half. */
function withoutOverlap<T>({ version, baseline, history }: Sides<T>, { step, until }: Grid): Sides<T> {
  const everySecond = (windows: readonly InWindow<T>[]): InWindow<T>[] =>
    windows.filter(({ at }) => Math.round((until - at) / step) % RANGE_STEPS === 0);
  return { version: everySecond(version), baseline: everySecond(baseline), history };
}
