import type { Comparison } from '../../../schemas/judge/judgement.ts';
import type { Count } from './counts.ts';

/** A measurement of the time window that ends at `at`, in epoch seconds. */
export type InWindow<T> = T & { at: number };

/** A Prometheus histogram: cumulative counts by upper bound, in increasing order. The last bound is infinity. */
export type Histogram = { buckets: readonly (readonly [bound: number, count: number])[] };

/** `detail`: what the failure was, of a measurement over HTTP. */
export type Value = { value: number; detail?: string };

/**
 * Measurements of windows, oldest first: of the version since its start, of its baseline in the same windows, and in
 * `history` of the baseline before, in windows that don't overlap.
 */
export type Sides<T> = {
  version: readonly InWindow<T>[];
  baseline: readonly InWindow<T>[];
  history: readonly InWindow<T>[];
  /** The same times of earlier days. Absent: not measured. */
  earlier?: readonly EarlierDay<T>[];
};

/** What a service did on an earlier day, at the times of the version's windows and of its history. */
export type EarlierDay<T> = { name: string } & Pick<Sides<T>, 'version' | 'history'>;

type MetricLimits = {
  name: string;
  /** The version is not healthy above it, or below it where lower is worse. Null: no limit. */
  max: number | null;
  /** Smallest difference from the baseline that matters, in the unit of the metric. */
  ignoreBelow: number;
};

/** What was measured of one metric. */
export type MetricEvidence =
  | (MetricLimits & { kind: 'ratio' } & Sides<Count>)
  | (MetricLimits & { kind: 'latency'; quantile: number } & Sides<Histogram>)
  | (MetricLimits & {
      kind: 'value';
      worse: 'higher' | 'lower';
      /** Newest values in a row beyond `max` that suffice for `degraded`. Absent: there is no `max`. */
      failures?: number;
    } & Sides<Value>)
  | { kind: 'missing'; name: string; because: string };

export type CanaryEvidence = {
  version: string;
  /** Null: no other version has served. */
  baseline: string | null;
  /**
   * Number of windows since the version's start. The version is judged once in each, which is called a look (an interim
   * analysis).
   */
  look: number;
  metrics: readonly MetricEvidence[];
  /** The version's requests are only part of those that are measured. It is then never healthy. */
  isPartial?: boolean;
  /** Services that do not run the version, for comparisons with the time before. Absent: not measured. */
  controls?: readonly Control[];
};

/**
 * A service whose rise at the same time shows that the version is not the only explanation. `caller`: the version's errors
 * are among its own.
 */
export type Control = {
  name: string;
  relation: 'neighbor' | 'dependency' | 'caller';
  metrics: readonly MetricEvidence[];
};

export type JudgeSettings = {
  /** Requests that each side needs. */
  minRequests: number;
  /** Length of a window. */
  stepSeconds: number;
  /** A version is not degraded below this multiple of its baseline, however certain the difference is. */
  tolerance: number;
};

export type CanaryVerdict = 'healthy' | 'degraded' | 'inconclusive';

/** The result for one metric. */
export type MetricJudgement = {
  name: string;
  verdict: CanaryVerdict;
  /** Values over all compared windows. Null: not measured. */
  version: number | null;
  baseline: number | null;
  /** `version` as a multiple of `baseline`. Null: not known, or the baseline is 0. */
  change: number | null;
  /**
   * Probability of such a difference by chance, corrected for the number of metrics and of looks. Null: not compared.
   */
  p: number | null;
  /** Of which time the baseline is. Null: not compared. */
  comparison: Comparison | null;
  /** Reason in a sentence. */
  reason: string;
};

export type Judgement = { verdict: CanaryVerdict; metrics: MetricJudgement[] };
