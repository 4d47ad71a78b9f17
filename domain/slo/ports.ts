import type { Severity } from '../../schemas/names.ts';
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

/** What was counted for an objective, by day (UTC), in a form that the store does not look into. */
export type SloDays = {
  /** By day, as `2026-11-20`; days of which nothing is kept are absent. Both ends count in. Strongly consistent. */
  load(id: SloId, fromDay: string, untilDay: string): Promise<Map<string, Uint8Array>>;
  /** In the place of what was kept of this day. At most 300 KB when compressed; kept for 800 days. */
  save(id: SloId, day: string, bytes: Uint8Array): Promise<void>;
};

/** Whose evaluations count, so that two instances never count at the same time. */
export type SloLease = {
  /** `kept`: nobody else had it since. `taken`: somebody had. `held`: somebody has it now. */
  take(holder: string, seconds: number): Promise<'kept' | 'taken' | 'held'>;
  /** Lets others have it at once. */
  release(holder: string): Promise<void>;
};

/** What its sender last said of one burn alert. */
export type HeardAlert = { fingerprint: string; severity: Severity; firing: boolean };

/** The burn alerts of objectives, for where no Prometheus can be asked. */
export type SloAlerts = {
  heard(id: SloId, alert: HeardAlert): Promise<void>;
  /** By objective. One of which nothing was heard for a week does not fire any more, whatever was said last. */
  all(): Promise<Map<SloId, HeardAlert[]>>;
};
