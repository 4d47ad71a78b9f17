import type { SloId } from '../../schemas/slo.ts';
import type { SloStatus } from '../../schemas/slo-status.ts';
import type { Timestamp } from '../../schemas/time.ts';
import type { Place } from '../ports.ts';

/** One series of an answer. `values`: epoch seconds and value, oldest first; a value may be NaN or infinite. */
export type Series = { labels: Record<string, string>; values: [number, number][] };

/** `unreadable`: no usable answer; why, in words. No series is an answer, too. */
export type Answered = { kind: 'series'; series: Series[] } | { kind: 'unreadable'; detail: string };

/** Where events are counted. One attempt per call; null: no Prometheus is connected. */
export type SloMetrics = {
  /** @param timeoutMs of the call, at most */
  instant(promql: string, at: Timestamp, timeoutMs: number): Promise<Answered | null>;
  range(
    promql: string,
    from: Timestamp,
    until: Timestamp,
    stepSeconds: number,
    timeoutMs: number,
  ): Promise<Answered | null>;
};

/** What the last evaluation found. */
export type SloStatuses = {
  /** Strongly consistent. */
  of(place: Place): Promise<SloStatus[]>;
  get(id: SloId): Promise<SloStatus | undefined>;
  /** All there are, for lists and metrics. */
  all(): Promise<SloStatus[]>;
  /** Those of a place, in place of those before; none of them: the place has no objectives any more. */
  put(place: Place, statuses: readonly SloStatus[]): Promise<void>;
  /** When the last evaluation began that came to its end. */
  evaluatedAt(): Promise<Timestamp | null>;
  setEvaluatedAt(at: Timestamp): Promise<void>;
};
