import { BoundedMap } from '../../domain/bounded-map.ts';
import { type Allowance, TokenBuckets } from '../../domain/time/token-bucket.ts';
import type { Scope } from '../../domain/access/access.ts';
import { actorMay } from '../../domain/people/people.ts';
import type { Computed, ReportKind, ReportReader, Reports } from '../../domain/ports/reports.ts';
import type { ConfigSource } from '../../domain/ports/config.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { Action, Principal } from '../../../schemas/access/access.ts';
import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';
import { sha256 } from '../../stores/hash.ts';

/**
 * A report to compute, as plain data. `grants`: what is visible. Null: everything. `config`: version of the configuration
 * that this thread has read, so that the report is computed by no older one. Null: it cannot read any.
 */
export type ReportRequest = {
  name: string;
  input: unknown;
  grants: readonly Principal[] | null;
  config: Config['version'] | null;
};

/** Computes a report, in this thread or in another one. */
export type Compute = (request: ReportRequest) => Promise<unknown>;

/** What the reports of a reader may cost at one instance. */
const BUDGET: Allowance = { perSecond: 0.5, burst: 20 };

/** Seconds that a report is expected to take until one of its kind has been computed. */
const FIRST_ESTIMATE_SECONDS = 0.5;

/**
 * A result is kept this many times as long as its computation took: then the computations of one report take at most a
 * twentieth of the time, and reports that cost nothing are always new.
 */
const KEPT_TIMES = 20;

type Limits = {
  /** A result is kept no longer than this. */
  keptMaxMs: number;
  /** A report costs the seconds that it takes, and no more than this: on a busy machine, all take long. */
  costMax: number;
  /** Reports of the kind that wait for their turn, at most. */
  waitingMax: number;
};

const LIMITS: Limits = { keptMaxMs: 60_000, costMax: 1, waitingMax: 16 };
const LIMITS_OF: Readonly<Record<NonNullable<ReportKind<never, never>['reuse']>, Limits>> = {
  // Open pages ask every few seconds, and responders have several of them. At an alert, people of all teams open the same page.
  live: { keptMaxMs: 1000, costMax: 0.25, waitingMax: 200 },
  // A command reads all pages one after the other: no more than what the budget gains in a second.
  never: { ...LIMITS, keptMaxMs: 0, costMax: BUDGET.perSecond },
  scrape: { keptMaxMs: 1000, costMax: 0, waitingMax: 200 },
};

/** Results and readers that are remembered. The oldest is dropped first. */
const RESULTS_MAX = 64;
const READERS_MAX = 10_000;

const keptResults = () => new BoundedMap<{ untilMs: number; computed: Computed<unknown> }>(RESULTS_MAX);

/** Reports of one kind: the last one in the line, how many wait, and how long the last one took. */
type Line = { last: Promise<unknown>; waiting: number; seconds: number };

/**
 * Shares what is computed: at the same time, one report of each kind is computed, once for all readers who ask for it with
 * the same permissions. It is kept for a while.
 */
export class ComputedReports implements Reports {
  readonly #clock: Clock;
  readonly #compute: Compute;
  readonly #config: Pick<ConfigSource, 'current'>;
  readonly #running = new Map<string, Promise<Computed<unknown>>>();
  #kept = keptResults();
  readonly #lines = new Map<string, Line>();
  readonly #budgets = new TokenBuckets(BUDGET, READERS_MAX);
  /** Begins all keys, so that nothing from before a correction is found. */
  #generation = 0;

  constructor({ clock, config }: { clock: Clock; config: Pick<ConfigSource, 'current'> }, compute: Compute) {
    this.#clock = clock;
    this.#config = config;
    this.#compute = compute;
  }

  async read<Input, Result>(
    { name, reuse }: ReportKind<Input, Result>,
    input: Input,
    reader: ReportReader,
  ): Promise<Computed<Result>> {
    const config = await this.#config.current().then(
      ({ version }) => version,
      () => null,
    );
    const grants = reader === null ? null : visibleScope(reader.grants, this.#clock.now());
    const key = sha256(JSON.stringify([this.#generation, config, name, input, grants]));
    const kept = this.#kept.get(key);
    if (kept !== undefined && this.#nowMs() < kept.untilMs) return kept.computed as Computed<Result>;
    const running =
      this.#running.get(key) ??
      this.#start(key, { name, input, grants, config }, reader, reuse === undefined ? LIMITS : LIMITS_OF[reuse]);
    return running as Promise<Computed<Result>>;
  }

  forget(): void {
    this.#generation += 1;
    this.#kept = keptResults();
  }

  #start(
    key: string,
    request: ReportRequest,
    reader: ReportReader,
    { keptMaxMs, costMax, waitingMax }: Limits,
  ): Promise<Computed<unknown>> {
    const line = this.#lines.get(request.name) ?? {
      last: Promise.resolve(),
      waiting: 0,
      seconds: FIRST_ESTIMATE_SECONDS,
    };
    this.#lines.set(request.name, line);
    if (line.waiting >= waitingMax) {
      const seconds = Math.max(1, Math.ceil(line.waiting * line.seconds));
      throw new Refusal(503, 'unavailable', `too many reports wait to be computed; try again in ${seconds} s`, {
        'retry-after': String(seconds),
      });
    }
    const costOf = (seconds: number): number => Math.min(seconds, costMax);
    const settle = reader === null || costMax === 0 ? () => undefined : this.#spend(reader.name, costOf(line.seconds));
    line.waiting += 1;
    const result = line.last.then(() =>
      this.#run(key, request, { line, keptMaxMs, settle: (seconds) => settle(costOf(seconds)) }),
    );
    line.last = result.catch(() => undefined);
    this.#running.set(key, result);
    void line.last.then(() => this.#running.delete(key));
    return result;
  }

  async #run(
    key: string,
    request: ReportRequest,
    { line, keptMaxMs, settle }: Pick<Limits, 'keptMaxMs'> & { line: Line; settle: (seconds: number) => void },
  ): Promise<Computed<unknown>> {
    const [as_of, generation, beganMs] = [this.#clock.now(), this.#generation, this.#nowMs()];
    try {
      const computed = { as_of, value: await this.#compute(request) };
      const keptMs = Math.min(keptMaxMs, KEPT_TIMES * (this.#nowMs() - beganMs));
      if (keptMs > 0 && generation === this.#generation)
        this.#kept.set(key, { untilMs: this.#nowMs() + keptMs, computed });
      return computed;
    } finally {
      line.waiting -= 1;
      line.seconds = (this.#nowMs() - beganMs) / 1000;
      settle(line.seconds);
    }
  }

  /**
   * Takes what a report is expected to cost from the reader's budget.
   *
   * @returns what corrects that by what it did cost
   * @throws Refusal 429
   */
  #spend(name: string, expected: number): (cost: number) => void {
    const seconds = this.#budgets.take(name, this.#nowMs(), expected);
    if (seconds !== null) {
      const detail = `the reports that you read took too long to compute; try again in ${seconds} s`;
      throw new Refusal(429, 'too-many-requests', detail, { 'retry-after': String(seconds) });
    }
    return (cost) => this.#budgets.give(name, expected - cost);
  }

  #nowMs(): number {
    return millisOf(this.#clock.now());
  }
}

/** Returns whether the reader of a report may do something. */
export const mayOf =
  (grants: ReportRequest['grants'], now: Timestamp) =>
  (action: Action, scope: Scope): boolean =>
    grants === null || actorMay({ name: '', grants: [...grants] }, action, scope, now).allowed;

/** Returns what is visible by the grants that are valid now, without their names and ends: readers with the same one see the same. */
const visibleScope = (grants: readonly Principal[], now: Timestamp): Principal[] =>
  grants
    .filter(({ expires_at: end }) => end === null || end > now)
    .map(({ actions, sources, services, environments }) => ({
      name: '',
      actions,
      sources,
      services,
      environments,
      expires_at: null,
    }));
