import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { AuditLogTable } from '../../../../core/stores/audit/audit-log.ts';
import { FreezeStateTable } from '../../../freeze/stores/freeze-state.ts';
import { FreezeTable } from '../../../freeze/stores/freezes.ts';
import { SloAlertTable } from '../../stores/slo-alerts.ts';
import { SloCorrectionTable } from '../../stores/slo-corrections.ts';
import { SloDayTable } from '../../stores/slo-days.ts';
import { EvaluationLeaseTable } from '../../../freeze/stores/evaluation-lease.ts';
import { SloStatusTable } from '../../stores/slo-statuses.ts';
import type { Log } from '../../../../core/domain/ports/system.ts';
import { stateAt } from '../../../freeze/decisions/state.ts';
import { noExtensions } from '../../../../core/domain/ports/extensions.ts';
import { evaluate, type EvaluateDeps, type Evaluating } from '../../../freeze/actions/evaluate.ts';
import type { ErrorBudgets } from '../../../../core/domain/ports/error-budgets.ts';
import { liftFreeze } from '../../../freeze/actions/freezes.ts';
import { type BudgetDeps, errorBudgets } from '../../error-budgets.ts';
import { historyKey } from '../../actions/history.ts';
import { Evaluator } from '../../evaluation/evaluator.ts';
import type { Elapsed } from '../../../../core/domain/concurrency.ts';
import { serverAt } from '../../../../vendors/shared/server.ts';
import { prometheusQueries } from '../../../../vendors/prometheus/queries.ts';
import { type Config, emptyConfig } from '../../../../schemas/config/config.ts';
import { FreezeFile } from '../../../freeze/schemas/freeze-policy.ts';
import type { Freeze } from '../../../freeze/schemas/freeze.ts';
import type { Slo, SloId } from '../../../../schemas/slo/slo.ts';
import type { SloStatus } from '../../../../schemas/slo/slo-status.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';
import { both, during, EventPrometheus, rateOf, steadily } from '../../../../test/support/event-prometheus.ts';
import { silent, sealSecrets } from '../../../../test/support/fake-deps.ts';
import { objective } from '../../../../test/support/objective.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The start time of a world, on a bucket boundary. */
export const NOON = Date.parse('2026-11-20T12:00:00Z');

export const ALL = 'sum(rate(http_requests_total{service="checkout"}[{{.window}}]))';
export const BAD = 'sum(rate(http_requests_total{service="checkout",code=~"5.."}[{{.window}}]))';

/** The queries that were sent. */
export const asAsked = (query: string): string => query.replaceAll('{{.window}}', '5m');

/** An objective of 99.9 % of checkout's requests over 28 days by default. */
export const availability = (more: object = {}): Slo =>
  objective({ indicator: { kind: 'ratio', counter: false, of: 'bad', numerator: BAD, total: ALL }, ...more });

/** A log line. */
export type Line = { level: 'debug' | 'info' | 'warn' | 'error'; message: string } & Record<string, unknown>;

/** A process that evaluates objectives. */
type WorldEvaluator = Evaluating & { budgets: ErrorBudgets };

/** Returns the points of the core with these budgets. */
export const extensionsWith = (budgets: ErrorBudgets) => ({
  ...noExtensions,
  errorBudgets: [{ isConfigured: () => true, load: async () => budgets }],
});

type LiftDeps = Parameters<typeof liftFreeze>[0];

/** Evaluations with an emulated table and a Prometheus over HTTP. The clock stands still until it is set. */
export class SloWorld {
  readonly prometheus: EventPrometheus;
  readonly stores: TableStores;
  readonly lines: Line[] = [];
  config: Config = { ...emptyConfig, version: 'test' };
  /** The URL of Prometheus. Undefined if none is configured. */
  prometheusUrl: string | undefined;
  readonly deps: BudgetDeps & Omit<EvaluateDeps, 'extensions'>;

  private constructor(prometheus: EventPrometheus, stores: TableStores) {
    this.prometheus = prometheus;
    this.prometheusUrl = prometheus.url;
    this.stores = stores;
    const { table, blobs, clock, incidents } = stores;
    this.deps = {
      clock,
      incidents,
      log: this.#log(),
      config: { current: async () => this.config, problems: async () => [] },
      freezes: new FreezeTable(table, clock, new AuditLogTable(table, blobs, clock, silent, sealSecrets)),
      freezeState: new FreezeStateTable(table),
      sloAlerts: new SloAlertTable(table, clock),
      sloDays: new SloDayTable(table),
      sloCorrections: new SloCorrectionTable(table, clock),
      evaluationLease: new EvaluationLeaseTable(table, clock),
      sloStatuses: new SloStatusTable(table),
      metricQueries: prometheusQueries(async () =>
        this.prometheusUrl === undefined ? undefined : serverAt(this.prometheusUrl),
      ),
    };
  }

  /** Closes at the end of the test. */
  static async open(...slos: Slo[]): Promise<SloWorld> {
    const world = new SloWorld(await EventPrometheus.start(), await openTable());
    onTestFinished(async () => {
      await world.prometheus.close();
      await world.stores.close();
    });
    world.objectives(...slos);
    return world;
  }

  #log(): Log {
    const say =
      (level: Line['level']) =>
      (message: string, fields: object = {}) =>
        void this.lines.push({ ...fields, level, message });
    const log: Log = {
      debug: say('debug'),
      info: say('info'),
      warn: say('warn'),
      error: say('error'),
      with: () => log,
    };
    return log;
  }

  objectives(...slos: Slo[]): void {
    this.config = { ...this.config, slos };
  }

  policy(file: object): void {
    this.config = { ...this.config, freeze: FreezeFile.parse(file) };
  }

  get now(): number {
    return this.stores.clock.millis;
  }

  at(millis: number): void {
    this.stores.clock.set(millis);
  }

  /** Returns a process that evaluates. @param more overrides of this world's dependencies */
  evaluator(elapsed?: Elapsed, more: Partial<SloWorld['deps']> = {}): WorldEvaluator {
    const deps = { ...this.deps, ...more };
    const budgets = errorBudgets(deps, async () => new Evaluator(deps, elapsed));
    return { id: randomUUID(), busy: false, budgets };
  }

  /** @param more overrides of this world's dependencies for this evaluation */
  evaluate = (evaluator: WorldEvaluator, more: Partial<SloWorld['deps']> = {}) =>
    evaluate({ ...this.deps, ...more, extensions: extensionsWith(evaluator.budgets) }, evaluator);

  /** A person lifts a freeze. */
  async lift(id: string, by: string, evaluator: WorldEvaluator): Promise<void> {
    const extensions = extensionsWith(evaluator.budgets);
    const deps = { ...this.deps, extensions, reports: { forget: () => undefined } } as unknown as LiftDeps;
    await liftFreeze(deps, { name: by, allow: () => undefined }, { id, reason: null });
  }

  /** Runs evaluations from now on up to and including `until`, at this interval. */
  async evaluateUntil(until: number, every: number, evaluator: WorldEvaluator): Promise<void> {
    while (this.now < until) {
      this.at(Math.min(until, this.now + every));
      await this.evaluate(evaluator);
    }
  }

  /** Sets the requests to checkout per second. All fail between two times (Unix milliseconds). */
  requests(perSecond: number, outage: { from: number; until: number } | null = null): void {
    const [from, until] = outage === null ? [0, 0] : [outage.from / 1000, outage.until / 1000];
    this.prometheus.on(asAsked(ALL), rateOf(steadily(perSecond)));
    this.prometheus.on(asAsked(BAD), rateOf(both(during(perSecond, from, until))));
  }

  async status(id = 'checkout-availability'): Promise<SloStatus> {
    const status = await this.deps.sloStatuses.get(id as SloId);
    if (status === undefined) throw new Error(`nothing is on record of ${id}`);
    return status;
  }

  /** Returns the names and days of stored counts of an objective. */
  async storedDays(id: string): Promise<[SloId, string][]> {
    const slo = this.config.slos.find((each) => each.id === id);
    if (slo === undefined) throw new Error(`${id} is not configured`);
    const days = await this.deps.sloDays.load(historyKey(slo), '2026-01-01', '2027-12-31');
    return [...days.keys()].map((day) => [historyKey(slo), day]);
  }

  /** Returns all freezes, newest first. */
  freezes = async (): Promise<Freeze[]> => (await this.deps.freezes.list({ limit: 500 })).items;

  /** Returns the causes of the freezes in force. */
  async frozenBy(): Promise<string[]> {
    const all = await this.freezes();
    const now = this.stores.clock.now();
    return all.flatMap((freeze) => (stateAt(freeze, now) === 'in_force' ? [freeze.cause] : [])).toSorted();
  }

  logged = (level: Line['level']): Line[] => this.lines.filter((line) => line.level === level);
}
