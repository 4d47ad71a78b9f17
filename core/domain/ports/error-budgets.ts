import type { Config } from '../../../schemas/config/config.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Slo } from '../../../schemas/slo/slo.ts';
import type { SloStatus } from '../../../schemas/slo/slo-status.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { ServiceEnvironment } from './common.ts';

/** What the last evaluation of objectives found. `evaluatedAt`: its start; null: there was none. */
export type BudgetState = { statuses: SloStatus[][]; evaluatedAt: Timestamp | null };

/**
 * Events of an objective in a period. `from`, `until`: what was counted, in whole buckets of time. `share`: of the error budget of its
 * window; null: not known.
 */
export type SpentBudget = {
  id: string;
  title: string;
  from: Timestamp;
  until: Timestamp;
  /** What the counts are: requests, or seconds if every second counts equally. */
  unit: 'requests' | 'seconds';
  events: number;
  errors: number;
  share: number | null;
};

/** One configured objective, as an evaluation finds it. */
export type EvaluatedObjective = {
  slo: Pick<Slo, 'id' | 'service' | 'environment' | 'displayName' | 'target' | 'window'>;
  /**
   * Null: no Prometheus is connected, so no evaluation ever returns a status. If Prometheus does not answer, the state
   * is `unreadable`.
   */
  status: SloStatus | null;
  /**
   * Whether one of its burn alerts fires, by the last notification of each; used only if no Prometheus is connected.
   * Null: no burn alert was ever received.
   */
  alerting: boolean | null;
};

/** An evaluation whose statuses are stored. `complete` is called after the freezes are recorded. */
export type BudgetEvaluation = {
  objectives: readonly EvaluatedObjective[];
  evaluated: number;
  complete(): Promise<void>;
};

/** Error budgets of objectives, and the burn rates by which deploys freeze. */
export type ErrorBudgets = {
  /**
   * Reads the statuses of each service and environment, strongly consistently, in the same call to the store as other
   * reads of that moment. @throws if they can't be read: a freeze check then has no answer
   */
  read(serviceEnvironments: readonly ServiceEnvironment[]): Promise<BudgetState>;
  /** Returns all statuses. */
  all(): Promise<SloStatus[]>;
  /** Returns what the objectives of a service counted in the buckets of time that a period touches. Leaves out objectives without counts. */
  spent(
    config: Config,
    serviceEnvironment: ServiceEnvironment,
    period: { from: Timestamp; until: Timestamp },
  ): Promise<SpentBudget[]>;
  /** Opens freezes for alerts about burn rates at once, before the next evaluation. */
  freezeByAlerts(config: Config, signals: readonly Signal[]): Promise<void>;
  /**
   * Evaluates all configured objectives, and stores their statuses. Only one process calls it at a time.
   *
   * @param isFirst whether another process has evaluated since
   * @throws if it fails: no freeze then changes
   */
  evaluate(config: Config, at: Timestamp, isFirst: boolean): Promise<BudgetEvaluation>;
};
