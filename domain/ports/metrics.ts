import type { Timestamp } from '../../schemas/time/time.ts';
import type { Curve } from '../correlation/evidence.ts';

export type Metrics = {
  /** Returns the current value. `null`: no Prometheus is connected. */
  value(
    promql: string,
  ): Promise<{ kind: 'value'; value: number } | { kind: 'no_data' } | { kind: 'unreadable'; detail: string } | null>;
  /**
   * Returns the first sample above `max` in the run of bad samples that reaches `until`, at most `lookBackSeconds`
   * back.
   */
  firstAbove(promql: string, max: number, until: Timestamp, lookBackSeconds: number): Promise<Timestamp | null>;
  /** Returns finite samples every 30 seconds, combined over several series. Null: no Prometheus, or no response. */
  range(promql: string, from: Timestamp, until: Timestamp, combine: 'max' | 'sum'): Promise<Curve | null>;
  /** Returns the current value for each value of the label; the worst one of several series. Null as above. */
  byLabel(promql: string, label: string): Promise<{ label: string; value: number }[] | null>;
  /** Returns `for` and evaluation interval of an alerting rule; `null` if it cannot be found. */
  rule(alertname: string): Promise<{ forSeconds: number; intervalSeconds: number } | null>;
};
