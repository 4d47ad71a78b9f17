import { BUCKET_SECONDS } from '../decisions/history.ts';
import { bucketOf, type Reading } from '../decisions/measurement/reading.ts';
import type { Cells } from '../decisions/measurement/series.ts';
import type { SloStatus } from '../../../schemas/slo/slo-status.ts';
import { readByOwnQueries, readRecorded, type ReadResult } from './read-objective.ts';
import type { ObjectiveCounts, BucketRange } from './objective-counts.ts';
import { type Deadline, pooled } from '../../../core/domain/concurrency.ts';
import type { RangeQueryHealth } from './range-query-health.ts';
import type { FairOrder } from './fair-order.ts';
import type { MetricQueries } from '../../../core/domain/ports/metrics.ts';

/**
 * How many objectives are queried in parallel, with two queries each. Half of the 20 queries that Prometheus runs in
 * parallel, because the alerting rules need the rest.
 */
const AT_ONCE = 5;

/** Time-out of one query. */
const QUERY_TIMEOUT_MS = 10_000;

/** The minimum remaining time to start a query. A shorter query would only load Prometheus. */
const SHORTEST_MS = 1_000;

/** Buckets per query for all objectives: two hours of 2,000 objectives are about 2 MB. */
const RECORDED_MAX = 24;

/** How many objectives query missing data again per evaluation. After a start, many are due at the same time. */
const RECHECKS_MAX = 100;

/** Result for the last 300 seconds of an objective. `late`: there was no time left for the query. */
export type Measured =
  | Exclude<ReadResult, { kind: 'readings' }>
  | { kind: 'reading'; reading: Reading; source: SloStatus['source'] }
  | { kind: 'late' };

/**
 * Context of the queries of one evaluation. Objectives that are not queried before the deadline come first in the next
 * evaluation. `now`: Unix milliseconds.
 */
export type MeasureContext = {
  metrics: MetricQueries;
  deadline: Deadline;
  order: FairOrder<ObjectiveCounts>;
  /** Shared by the whole evaluation. */
  rangeQueries: RangeQueryHealth;
  now: number;
};

/**
 * Reads the last 300 seconds of each objective, and the buckets that closed since the last evaluation. Reads all
 * recorded objectives with a few queries, and the others with their own queries.
 */
export async function measure(
  context: MeasureContext,
  all: readonly ObjectiveCounts[],
): Promise<Map<ObjectiveCounts, Measured>> {
  const cells: Cells = { from: context.now / 1000 - BUCKET_SECONDS, count: 1 };
  const recorded = await readRecorded(context.metrics, cells, timeoutOf(context));
  // This is the cheapest query. If it fails, skip thousands of more expensive ones.
  if (recorded.kind !== 'recorded') return new Map(all.map((counts) => [counts, recorded]));
  const measured = new Map<ObjectiveCounts, Measured>();
  for (const counts of all) {
    const reading = recorded.readingsOf(counts.slo)?.[0];
    if (reading !== undefined && bucketOf(reading) !== null)
      measured.set(counts, { kind: 'reading', reading, source: 'recorded' });
  }
  await readRecordedBuckets(context, [...measured.keys()]);
  const queriedAlone = all.filter((counts) => !measured.has(counts) || counts.newer(context.now) !== null);
  await pooled(context.order.sorted(queriedAlone), AT_ONCE, async (counts) => {
    const last = measured.get(counts) ?? (await measureLast(context, counts, cells));
    measured.set(counts, last);
    if (last.kind === 'reading') await readBuckets(context, counts, counts.newer(context.now));
  });
  return measured;
}

async function measureLast(context: MeasureContext, counts: ObjectiveCounts, cells: Cells): Promise<Measured> {
  const result = await readOwnQueries(context, counts, cells, Infinity);
  if (result.kind !== 'readings') return result;
  const [reading = { kind: 'no_data' }] = result.readings;
  return { kind: 'reading', reading, source: 'own' };
}

/** Reads older data within the time limit, the newest part of each objective first. */
export async function readOlderBuckets(context: MeasureContext, all: readonly ObjectiveCounts[]): Promise<void> {
  const due = context.order.sorted(all.filter((counts) => counts.isDue(context.now)));
  await pooled(due.slice(0, RECHECKS_MAX), AT_ONCE, async (counts) => {
    if (context.deadline.left >= SHORTEST_MS) await readBuckets(context, counts, counts.recheck(context.now));
  });
  let remaining = context.order.sorted(all).filter((counts) => counts.older() !== null);
  while (remaining.length > 0) {
    const answered = new Set<ObjectiveCounts>();
    await pooled(remaining, AT_ONCE, async (counts) => {
      const answer = await readBuckets(context, counts, counts.older());
      if (answer === 'readings') answered.add(counts);
      // After five failures in a row, the size is too large for the other objectives, too.
      if (answer === 'futile' || (answer === 'unreadable' && context.deadline.left > 0)) counts.halveChunk(context.now);
    });
    remaining = remaining.filter((counts) => answered.has(counts) && counts.older() !== null);
  }
}

/** Reads closed buckets from the recording rules. Objectives that still lack data query it themselves afterwards. */
async function readRecordedBuckets(context: MeasureContext, all: readonly ObjectiveCounts[]): Promise<void> {
  for (const { request, group } of groupsByRange(all, context.now)) {
    const pieces = piecesOf(request);
    if (pieces.length > group.length) continue; // the objectives' own queries are fewer
    let remaining = group;
    for (const piece of pieces) {
      if (remaining.length === 0 || context.deadline.left < SHORTEST_MS) break;
      const recorded = await readRecorded(context.metrics, cellsOf(piece), timeoutOf(context));
      if (recorded.kind !== 'recorded') return;
      remaining = remaining.filter((counts) => {
        const readings = recorded.readingsOf(counts.slo);
        if (readings === undefined) return false;
        const { all: isComplete, news } = counts.addReadings(piece.first, readings);
        if (isComplete) counts.recordRead(piece, context.now, news);
        return isComplete;
      });
    }
  }
}

/** Groups objectives that need the same buckets. Usually, all of them do. */
function groupsByRange(
  all: readonly ObjectiveCounts[],
  now: number,
): { request: BucketRange; group: ObjectiveCounts[] }[] {
  const groups = new Map<number, { request: BucketRange; group: ObjectiveCounts[] }>();
  for (const counts of all) {
    const range = counts.newer(now);
    if (range === null) continue;
    const same = groups.get(range.first);
    if (same === undefined) groups.set(range.first, { request: range, group: [counts] });
    else same.group.push(counts);
  }
  return [...groups.values()];
}

function piecesOf({ first, count }: BucketRange): BucketRange[] {
  return Array.from({ length: Math.ceil(count / RECORDED_MAX) }, (_, number) => {
    const offset = number * RECORDED_MAX;
    return { first: first + offset, count: Math.min(RECORDED_MAX, count - offset) };
  });
}

/** Reads buckets with the objective's own queries. Returns null if no buckets are needed. */
async function readBuckets(
  context: MeasureContext,
  counts: ObjectiveCounts,
  range: BucketRange | null,
): Promise<'readings' | 'unreadable' | 'off' | 'late' | 'futile' | null> {
  if (range === null) return null;
  const isRange = range.count > 1;
  if (isRange && context.rangeQueries.failureReason !== null) {
    counts.recordFailure(range, context.rangeQueries.failureReason);
    return 'futile';
  }
  const result = await readOwnQueries(context, counts, cellsOf(range), range.first);
  if (result.kind === 'unreadable') counts.recordFailure(range, result.detail);
  if (isRange && result.kind === 'unreadable') context.rangeQueries.failed(result.detail);
  if (result.kind !== 'readings') return result.kind;
  if (isRange) context.rangeQueries.succeeded();
  const { news } = counts.addReadings(range.first, result.readings);
  counts.recordRead(range, context.now, news);
  return 'readings';
}

const cellsOf = ({ first, count }: BucketRange): Cells => ({ from: first * BUCKET_SECONDS, count });

async function readOwnQueries(
  context: MeasureContext,
  counts: ObjectiveCounts,
  cells: Cells,
  first: number,
): Promise<ReadResult | { kind: 'late' }> {
  if (context.deadline.left < SHORTEST_MS) return { kind: 'late' };
  context.order.markServed(counts);
  return readByOwnQueries(context.metrics, counts.slo, cells, counts.hadGoodBefore(first), timeoutOf(context));
}

const timeoutOf = ({ deadline }: MeasureContext): number => Math.min(QUERY_TIMEOUT_MS, deadline.left);
