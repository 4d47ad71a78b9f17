import type { Timestamp } from '../../schemas/time/time.ts';
import type { Curve } from '../correlation/evidence.ts';

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
  /** Returns such samples for each value of the label, sorted by it. Series without the label are left out. */
  rangeByLabel(
    promql: string,
    label: string,
    from: Timestamp,
    until: Timestamp,
    combine: 'max' | 'sum',
    options?: RangeOptions,
  ): Promise<{ label: string; curve: Curve }[] | null>;
  /**
   * Returns `for`, evaluation interval, and expression of an alerting rule; `null` if it cannot be found. Without an
   * expression: the server does not tell it.
   */
  rule(alertname: string): Promise<{ forSeconds: number; intervalSeconds: number; expression: string | null } | null>;
};

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
  /** Searches for the version in the series of a health query. Null: nowhere. Undefined: no Prometheus, or no response. */
  propose(health: { promql: string; traffic?: string | undefined }): Promise<VersionProposal | null | undefined>;
};
