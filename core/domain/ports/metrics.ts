import type { HttpMetric, JudgeMetric } from '../../../schemas/judge/judge-config.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Slo } from '../../../schemas/slo/slo.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Curve } from '../correlation/evidence.ts';
import type { ServiceEnvironment } from './common.ts';

export type RangeOptions = {
  /** Seconds between two samples. Default: 30. */
  stepSeconds?: number;
  signal?: AbortSignal;
};

export type Metrics = {
  /** Returns the current value. `null`: no Prometheus is connected. */
  value(
    promql: string,
  ): Promise<{ kind: 'value'; value: number } | { kind: 'no_data' } | { kind: 'unreadable'; detail: string } | null>;
  /**
   * Returns finite samples at each step, combined over several series; none is not null. Null: no Prometheus, or no
   * response before the signal aborts.
   */
  range(
    promql: string,
    from: Timestamp,
    until: Timestamp,
    combine: 'max' | 'sum',
    options?: RangeOptions,
  ): Promise<Curve | null>;
  /**
   * Returns such samples for each value of the label, sorted by it. Series without the label are left out. Of several
   * labels, for each combination: the values, with a line break between them, and empty for all but the first if missing.
   */
  rangeByLabel(
    promql: string,
    label: string | readonly string[],
    from: Timestamp,
    until: Timestamp,
    combine: 'max' | 'sum',
    options?: RangeOptions,
  ): Promise<{ label: string; curve: Curve }[] | null>;
  /**
   * Returns `for`, evaluation interval, and expression of the alert's rule; `null` if it cannot be found. If several rules
   * have its name, the one whose expression and labels fit best. Without an expression: the server does not tell it.
   */
  rule(
    alertname: string,
    alert?: AlertOfRule,
  ): Promise<{ forSeconds: number; intervalSeconds: number; expression: string | null } | null>;
};

/** What an alert says about its rule. `generatorUrl`: its link to Prometheus, which contains the expression. */
export type AlertOfRule = { labels: Signal['labels']; generatorUrl: string | null };

/** Where monitoring reports the version of a service, with queries that were executed and returned versions. */
export type VersionProposal = {
  label: string;
  /** Metric that carries the label and is joined to the series. Null: the series carry it. */
  joined: string | null;
  /** Versions that the query returned. */
  values: string[];
  byVersion: string;
  /** Null: the traffic by version is not known. */
  trafficByVersion: string | null;
};

export type VersionLabels = {
  /**
   * Searches for the version in the series of a health query. Null: nowhere. Undefined: no Prometheus, or no response.
   *
   * @param isRecorded whether a value is the version of a recorded deployment; such values are preferred
   */
  propose(
    health: { promql: string; traffic?: string | undefined },
    isRecorded: (value: string) => boolean,
  ): Promise<VersionProposal | null | undefined>;
  /** Returns the labels of the series of the last hour that each selector of a query selects. Null: no Prometheus, or no response. */
  series(promql: string): Promise<{ selector: string; series: Record<string, string>[] }[] | null>;
};

/** Metrics for the judge of versions. */
export type JudgeMetrics = {
  /**
   * Returns metrics from the objectives that count events; without one, from the health query.
   *
   * @param label label of the series that names the version
   */
  derived(
    from: { slos: readonly Slo[]; health: { promql: string; max: number; byVersion?: string | undefined } | undefined },
    label: string,
  ): JudgeMetric[];
  /** Measures a version over HTTP, with one call. `value: null`: not measured; `detail` says why. */
  measure(
    metric: HttpMetric,
    of: ServiceEnvironment & { version: string },
  ): Promise<{ value: number | null; detail: string }>;
};

/**
 * One series of a query result. `values`: pairs of epoch seconds and value, oldest first; a value can be NaN or
 * infinite.
 */
export type Series = { labels: Record<string, string>; values: [number, number][] };

/** Result of a query. `unreadable`: no usable response, with the reason. An empty list of series is a valid result. */
export type Answered = { kind: 'series'; series: Series[] } | { kind: 'unreadable'; detail: string };

/** Queries to Prometheus. One attempt per call; null: no Prometheus is connected. */
export type MetricQueries = {
  /** @param timeoutMs maximum duration of the call */
  instant(promql: string, at: Timestamp, timeoutMs: number): Promise<Answered | null>;
  range(
    promql: string,
    from: Timestamp,
    until: Timestamp,
    stepSeconds: number,
    timeoutMs: number,
  ): Promise<Answered | null>;
};
