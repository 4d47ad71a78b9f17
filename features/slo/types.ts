import type { Severity } from '../../schemas/config/names.ts';
import type { ErrorBudgets } from '../../core/domain/ports/error-budgets.ts';
import type { SloId } from '../../schemas/slo/slo.ts';
import type { SloCorrection } from './schemas/slo-correction.ts';
import type { SloStatus } from '../../schemas/slo/slo-status.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { Page, ServiceEnvironment } from '../../core/domain/ports/common.ts';

/** A rule as a Prometheus has loaded it. */
export type LoadedRule = {
  kind: 'alerting' | 'recording';
  name: string;
  query: string;
  labels: Readonly<Record<string, string>>;
  /** Empty for recording rules. */
  annotations: Readonly<Record<string, string>>;
  /** Seconds until the alert fires. */
  forSeconds: number;
};

/** `file`: where the group was loaded from. Null: the server does not say. */
export type LoadedGroup = { name: string; file: string | null; intervalSeconds: number; rules: LoadedRule[] };

/** What monitoring systems have loaded of the generated files. One attempt per call; null: not connected. */
export type LoadedMonitoring = {
  /** Returns the rules of Prometheus. */
  rules(): Promise<Loaded<LoadedGroup[]> | null>;
  /** Returns a query in the notation of Prometheus. Undefined: it cannot format queries, or did not respond. */
  formatted(promql: string): Promise<string | undefined>;
  /** Returns how the configuration of Alertmanager differs from what the generated alerts need. */
  routing(): Promise<Loaded<string[]> | null>;
  /** Returns the title and the queries of each panel of a dashboard. `value: null`: Grafana has none of this UID. */
  dashboard(uid: string): Promise<Loaded<LoadedPanel[] | null> | null>;
};
export type LoadedPanel = { title: string; queries: string[] };
export type Loaded<T> = { kind: 'read'; value: T } | { kind: 'unreadable'; detail: string };

/** Results of the last evaluation. */
export type SloStatuses = Pick<ErrorBudgets, 'read' | 'all'> & {
  /** Reads strongly consistently. */
  of(serviceEnvironment: ServiceEnvironment): Promise<SloStatus[]>;
  get(id: SloId): Promise<SloStatus | undefined>;
  /** Replaces the statuses of a service and environment. An empty list: it no longer has objectives. */
  put(serviceEnvironment: ServiceEnvironment, statuses: readonly SloStatus[]): Promise<void>;
  /** Returns the start of the last completed evaluation. */
  evaluatedAt(): Promise<Timestamp | null>;
  setEvaluatedAt(at: Timestamp): Promise<void>;
};

/** Who ends or withdraws a correction, and why. Null: no reason was given. */
export type CorrectionEnding = { by: string; reason: string | null };

/** Corrections of objectives. */
export type SloCorrections = {
  /**
   * Stores a new correction with its entry in the audit log, in one transaction. Returns the stored one: a correction
   * whose ID is already stored stays as it is.
   */
  record(correction: SloCorrection): Promise<SloCorrection>;
  /** Returns the corrections of an objective, newest first, including withdrawn ones. */
  list(id: SloId, query: { limit: number; cursor?: string }): Promise<Page<SloCorrection>>;
  /**
   * Marks a correction as withdrawn, with an entry in the audit log. If it is already withdrawn, nothing changes.
   * Undefined: the objective has no such correction.
   */
  withdraw(id: SloId, correction: string, ending: CorrectionEnding): Promise<SloCorrection | undefined>;
  /**
   * Ends a correction now, with an entry in the audit log: its earlier periods stay in effect. If it has already ended or
   * is withdrawn, nothing changes. Undefined: the objective has no such correction.
   */
  end(id: SloId, correction: string, ending: CorrectionEnding): Promise<SloCorrection | undefined>;
  /** Returns the corrections of an objective that are not withdrawn. */
  activeOf(id: SloId): Promise<SloCorrection[]>;
  /** Returns all corrections that are not withdrawn, by objective. */
  active(): Promise<Map<SloId, SloCorrection[]>>;
};

/** Counts of objectives by UTC day, in a form that is opaque to the store. */
export type SloDays = {
  /**
   * Returns the stored days, keyed as `2026-11-20`, both ends inclusive; days without data are absent. Strongly
   * consistent.
   */
  load(id: SloId, fromDay: string, untilDay: string): Promise<Map<string, Uint8Array>>;
  /** Replaces a day. At most 300 KB compressed; retained for 800 days. */
  save(id: SloId, day: string, bytes: Uint8Array): Promise<void>;
};

/** Last notification about one burn alert. `report`: key of the alert as its sender reports it. */
export type SeenAlert = { report: string; severity: Severity; firing: boolean };

/** Burn alerts of objectives, for installations without a connected Prometheus. */
export type SloAlerts = {
  record(id: SloId, alert: SeenAlert): Promise<void>;
  /** Returns the alerts by objective. An alert without a notification for a week no longer counts as firing. */
  all(): Promise<Map<SloId, SeenAlert[]>>;
};
