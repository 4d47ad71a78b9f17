import type { Deps } from '../ports.ts';
import { historySeconds } from '../decisions/budget/account.ts';
import { emptyHistory } from '../decisions/history.ts';
import { bucketOf, stateOf } from '../decisions/measurement/reading.ts';
import { type EvaluationResult, statusOf } from '../decisions/status.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { Slo, SloId } from '../../../schemas/slo/slo.ts';
import type { SloStatus } from '../../../schemas/slo/slo-status.ts';
import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';
import { CorrectionSpans } from './correction-spans.ts';
import { ObjectiveCounts } from './objective-counts.ts';
import { type MeasureContext, readOlderBuckets, measure, type Measured } from './measure.ts';
import { Deadline, type Elapsed, pooled } from '../../../core/domain/concurrency.ts';
import { inTurns } from '../../../core/stores/fair-turns.ts';
import { RangeQueryHealth } from './range-query-health.ts';
import { ReadErrors } from './errors.ts';
import { FairOrder } from './fair-order.ts';
import { policyOf } from '../../freeze/decisions/policy.ts';

/** Time limits from the start of an evaluation: for measuring current data, and for reading older data. */
const MEASURE_MS = 20_000;
const BACKFILL_MS = 28_000;

/** How many reads and writes of the table run in parallel. */
const STORE_AT_ONCE = 16;

type EvaluatorDeps = Pick<Deps, 'log' | 'metricQueries' | 'sloDays' | 'sloCorrections'>;

/** The status of all objectives. `connected`: a Prometheus is configured, whether it responds or not. */
type EvaluationState = { statuses: Map<SloId, SloStatus>; connected: boolean };

/**
 * Evaluates all objectives. Keeps the counts in memory between evaluations. A new instance loads the stored counts.
 */
export class Evaluator {
  readonly #deps: EvaluatorDeps;
  readonly #elapsed: Elapsed;
  #counted = new Map<SloId, ObjectiveCounts>();
  readonly #correctionSpans = new CorrectionSpans();
  readonly #readErrors: { present: ReadErrors; past: ReadErrors };
  /** Objectives that responded in this evaluation, whose older data can be read. */
  #backfill: { context: MeasureContext; objectives: ObjectiveCounts[] } | null = null;
  /** Which objectives come first if there is not enough time for all. */
  readonly #orders = { measure: new FairOrder<ObjectiveCounts>(), backfill: new FairOrder<ObjectiveCounts>() };

  constructor(deps: EvaluatorDeps, elapsed: Elapsed = () => performance.now()) {
    this.#deps = deps;
    this.#elapsed = elapsed;
    this.#readErrors = { present: new ReadErrors(deps.log, PRESENT), past: new ReadErrors(deps.log, PAST) };
  }

  /** Drops the counts in memory, because another instance has evaluated since. */
  forget(): void {
    this.#counted.clear();
  }

  /** Returns the status of all objectives. Reads older data first for objectives that are new to this instance. */
  async evaluate(config: Config, at: Timestamp): Promise<EvaluationState> {
    const { metricQueries: metrics } = this.#deps;
    const now = millisOf(at);
    this.#backfill = null;
    if (config.slos.length === 0) return { statuses: new Map(), connected: false };
    const measureDeadline = new Deadline(this.#elapsed, MEASURE_MS);
    const deadline = new Deadline(this.#elapsed, BACKFILL_MS);
    const trackedBefore = new Set(this.#counted.values());
    const unreadableCounts = await this.#track(config.slos, now);
    const all = [...this.#counted.values()];
    await inTurns(all, (counts) => counts.advance(now));
    const rangeQueries = new RangeQueryHealth();
    const measured = await measure(
      { metrics, deadline: measureDeadline, order: this.#orders.measure, rangeQueries, now },
      all,
    );
    const responding = all.filter((counts) => measured.get(counts)?.kind === 'reading');
    this.#backfill = {
      context: { metrics, deadline, order: this.#orders.backfill, rangeQueries, now },
      objectives: responding,
    };
    await this.backfill((counts) => !trackedBefore.has(counts));
    await this.#save(all);
    this.#logErrors(measured, unreadableCounts, now);
    const corrected = this.#correctionSpans.expand(config.slos, await this.#deps.sloCorrections.active(), now);
    const statuses = await inTurns(config.slos, (slo) => {
      const counts = this.#counted.get(slo.id);
      const levels = policyOf(config, slo).budget ?? LEVELS_WITHOUT_FREEZE;
      const corrections = corrected.get(slo.id) ?? [];
      if (counts !== undefined) return statusNow(counts, measured.get(counts), { now, levels, corrections });
      const nothing = emptyHistory(historySeconds(slo), now);
      return statusOf(slo, nothing, null, {
        ...unreadable(unreadableCounts.get(slo.id) ?? NOT_EVALUATED),
        unread: null,
        now,
        levels,
        corrections,
      });
    });
    const connected = ![...measured.values()].some(({ kind }) => kind === 'off');
    return { statuses: new Map(statuses.map((status) => [status.id, status])), connected };
  }

  /**
   * Reads older data of the objectives that responded, within the time limit. The data is for the next evaluation,
   * because freezes must not wait for it.
   */
  async backfill(isIncluded: (counts: ObjectiveCounts) => boolean = () => true): Promise<void> {
    if (this.#backfill === null) return;
    const included = this.#backfill.objectives.filter(isIncluded);
    await readOlderBuckets(this.#backfill.context, included);
    await this.#save(included);
  }

  /**
   * Loads the stored counts of new objectives, and drops removed objectives.
   *
   * @returns the objectives whose stored counts are corrupt, with the reason. Corrupt counts are not overwritten
   */
  async #track(slos: readonly Slo[], now: number): Promise<Map<SloId, string>> {
    const before = this.#counted;
    const unreadableCounts = new Map<SloId, string>();
    this.#counted = new Map();
    await pooled(slos, STORE_AT_ONCE, async (slo) => {
      const previous = before.get(slo.id);
      try {
        const isSame =
          previous !== undefined && (previous.slo === slo || JSON.stringify(previous.slo) === JSON.stringify(slo));
        this.#counted.set(slo.id, isSame ? previous : await ObjectiveCounts.load(this.#deps.sloDays, slo, now));
      } catch (error) {
        unreadableCounts.set(slo.id, `the stored counts cannot be read: ${String(error)}`);
      }
    });
    return unreadableCounts;
  }

  #logErrors(
    measured: ReadonlyMap<ObjectiveCounts, Measured>,
    unreadableCounts: ReadonlyMap<SloId, string>,
    now: number,
  ): void {
    const total = measured.size + unreadableCounts.size;
    const silent = [...measured].flatMap(([{ slo }, measurement]) => problemEntriesOf(slo.id, measurement));
    const unread = [...measured.keys()].flatMap(({ slo, unread: why }) =>
      why === null ? [] : [[slo.id, why] as const],
    );
    this.#readErrors.present.logChanges(new Map([...unreadableCounts, ...silent]), total, now);
    this.#readErrors.past.logChanges(new Map(unread), total, now);
  }

  /** Stores the counts. Counts that fail stay in memory and are stored the next time. */
  async #save(all: readonly ObjectiveCounts[]): Promise<void> {
    const failed: unknown[] = [];
    await pooled(all, STORE_AT_ONCE, async (counts) => {
      await counts.save(this.#deps.sloDays).catch((error: unknown) => void failed.push(error));
    });
    if (failed.length > 0)
      this.#deps.log.warn('the counts of objectives could not be stored; Firebreak tries again', {
        objectives: failed.length,
        because: String(failed[0]),
      });
  }
}

const PRESENT = { started: 'objectives cannot be read', ended: 'all objectives can be read again' };
const PAST = {
  started: 'the history of objectives cannot be read',
  ended: 'the history of all objectives can be read again',
};

/** Returns the problem of an objective. All objectives for which there was no time share one problem. */
function problemEntriesOf(id: SloId, measurement: Measured): [string, string][] {
  if (measurement.kind === 'late') return [['late', LATE]];
  return measurement.kind === 'unreadable' ? [[id, measurement.detail]] : [];
}

function statusNow(
  counts: ObjectiveCounts,
  measured: Measured | undefined,
  context: Pick<EvaluationResult, 'now' | 'levels' | 'corrections'>,
): SloStatus {
  const { slo, history } = counts;
  const result = { ...context, unread: counts.unread ?? (counts.isPastRead ? null : NOT_READ_YET) };
  if (measured?.kind !== 'reading')
    return statusOf(slo, history, null, { ...unreadable(problemOf(measured)), ...result });
  const { reading, source } = measured;
  if (!counts.isUpToDate(context.now)) result.unread ??= NOT_READ_YET;
  return statusOf(slo, history, bucketOf(reading), { ...stateOf(reading), source, ...result });
}

const unreadable = (problem: string): Pick<EvaluationResult, 'state' | 'problem' | 'source'> => ({
  state: 'unreadable',
  problem,
  source: 'own',
});

function problemOf(measured: Exclude<Measured, { kind: 'reading' }> | undefined): string {
  switch (measured?.kind) {
    case 'unreadable':
      return measured.detail;
    case 'off':
      return NOT_CONNECTED;
    case 'late':
      return LATE;
    case undefined:
      return NOT_EVALUATED;
  }
}

/** Levels for objectives whose budget does not freeze. Forecasts then only predict when the whole budget is spent. */
const LEVELS_WITHOUT_FREEZE: EvaluationResult['levels'] = { warn: 1, freeze: 1, liftBelow: 1 };

const NOT_READ_YET = 'its history is not completely read yet';
const NOT_CONNECTED = 'no Prometheus is configured: set PROMETHEUS_URL';
const NOT_EVALUATED = 'it has not been evaluated yet';
const LATE =
  'Prometheus responds too slowly to evaluate every objective within a minute: load the rules of firebreak slo generate';
