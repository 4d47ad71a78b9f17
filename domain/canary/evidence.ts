import type { Comparison } from '../../schemas/canary/judgement.ts';
import type { Count } from './counts.ts';

/** A measurement of the window that ends at `at`, in epoch seconds. Windows of `history` do not overlap. */
export type At<T> = T & { at: number };

/** Cumulative counts by upper bound in increasing order, as in a Prometheus histogram. The last bound is infinity. */
export type Buckets = { buckets: readonly (readonly [bound: number, count: number])[] };

export type Value = { value: number };

/**
 * Measurements of windows, oldest first: of the version since its start, of its baseline in the same windows, and of the
 * baseline before.
 */
export type Sides<T> = { version: readonly At<T>[]; baseline: readonly At<T>[]; history: readonly At<T>[] };

type Common = {
  name: string;
  /** The version is not healthy above it, or below it where lower is worse. Null: no limit. */
  max: number | null;
  /** Smallest difference from the baseline that matters, in the unit of the metric. */
  ignoreBelow: number;
};

/** What was measured of one metric. */
export type MetricEvidence =
  | (Common & { kind: 'ratio' } & Sides<Count>)
  | (Common & { kind: 'latency'; quantile: number } & Sides<Buckets>)
  | (Common & {
      kind: 'value';
      worse: 'higher' | 'lower';
      /** Newest values in a row beyond `max` that suffice for `degraded`. Absent: `max` only prevents `healthy`. */
      failures?: number;
    } & Sides<Value>)
  | { kind: 'missing'; name: string; because: string };

export type CanaryEvidence = {
  version: string;
  /** Null: no other version has served. */
  baseline: string | null;
  /** Number of windows since the version's start. */
  look: number;
  metrics: readonly MetricEvidence[];
};

export type JudgeSettings = {
  /** Requests that each side needs. */
  minRequests: number;
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
