import { BUCKET_SECONDS } from '../../domain/slo/history.ts';
import type { SloMetrics } from '../../domain/slo/ports.ts';
import { bucketOf, type Reading } from '../../domain/slo/measurement/reading.ts';
import type { Cells } from '../../domain/slo/measurement/series.ts';
import type { SloStatus } from '../../schemas/slo/slo-status.ts';
import { readByOwnQueries, readRecorded, type ReadResult } from './ask.ts';
import type { Counted, CountRequest } from './counted.ts';
import { type Deadline, pooled } from '../../actions/shared/concurrency.ts';
import type { Ranges } from './ranges.ts';
import type { Turns } from './turns.ts';

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
const LOOK_AGAIN_MAX = 100;

/** Result for the last 300 seconds of an objective. `late`: there was no time left for the query. */
export type Measured =
  | Exclude<ReadResult, { kind: 'readings' }>
  | { kind: 'reading'; reading: Reading; source: SloStatus['source'] }
  | { kind: 'late' };

/**
 * Context of the queries of one evaluation. Objectives that are not queried before the deadline come first in the next
 * evaluation. `now`: Unix milliseconds.
 */
export type Asking = {
  metrics: SloMetrics;
  deadline: Deadline;
  turns: Turns<Counted>;
  /** Shared by the whole evaluation. */
  ranges: Ranges;
  now: number;
};

/**
 * Reads the last 300 seconds of each objective, and the buckets that closed since the last evaluation. Reads all
 * recorded objectives with a few queries, and the others with their own queries.
 */
export async function measure(asking: Asking, all: readonly Counted[]): Promise<Map<Counted, Measured>> {
  const cells: Cells = { from: asking.now / 1000 - BUCKET_SECONDS, count: 1 };
  const recorded = await readRecorded(asking.metrics, cells, timeoutOf(asking));
  // This is the cheapest query. If it fails, skip thousands of more expensive ones.
  if (recorded.kind !== 'recorded') return new Map(all.map((counted) => [counted, recorded]));
  const measured = new Map<Counted, Measured>();
  for (const counted of all) {
    const reading = recorded.of(counted.slo)?.[0];
    if (reading !== undefined && bucketOf(reading) !== null)
      measured.set(counted, { kind: 'reading', reading, source: 'recorded' });
  }
  await fillRecorded(asking, [...measured.keys()]);
  const alone = all.filter((counted) => !measured.has(counted) || counted.newer(asking.now) !== null);
  await pooled(asking.turns.inTurn(alone), AT_ONCE, async (counted) => {
    const found = measured.get(counted) ?? (await lastOf(asking, counted, cells));
    measured.set(counted, found);
    if (found.kind === 'reading') await fill(asking, counted, counted.newer(asking.now));
  });
  return measured;
}

async function lastOf(asking: Asking, counted: Counted, cells: Cells): Promise<Measured> {
  const asked = await own(asking, counted, cells, Infinity);
  if (asked.kind !== 'readings') return asked;
  const [reading = { kind: 'no_data' }] = asked.readings;
  return { kind: 'reading', reading, source: 'own' };
}

/** Reads older data within the time limit, the newest part of each objective first. */
export async function fillOlder(asking: Asking, all: readonly Counted[]): Promise<void> {
  const due = asking.turns.inTurn(all.filter((counted) => counted.isDue(asking.now)));
  await pooled(due.slice(0, LOOK_AGAIN_MAX), AT_ONCE, async (counted) => {
    if (asking.deadline.left >= SHORTEST_MS) await fill(asking, counted, counted.lookAgain(asking.now));
  });
  let left = asking.turns.inTurn(all).filter((counted) => counted.older() !== null);
  while (left.length > 0) {
    const answered = new Set<Counted>();
    await pooled(left, AT_ONCE, async (counted) => {
      const answer = await fill(asking, counted, counted.older());
      if (answer === 'readings') answered.add(counted);
      // After five failures in a row, the size is too large for the other objectives, too.
      if (answer === 'futile' || (answer === 'unreadable' && asking.deadline.left > 0)) counted.askLess(asking.now);
    });
    left = left.filter((counted) => answered.has(counted) && counted.older() !== null);
  }
}

/** Reads closed buckets from the recording rules. Objectives that still lack data query it themselves afterwards. */
async function fillRecorded(asking: Asking, all: readonly Counted[]): Promise<void> {
  for (const { request, group } of byFirst(all, asking.now)) {
    const pieces = piecesOf(request);
    if (pieces.length > group.length) continue; // the objectives' own queries are fewer
    let left = group;
    for (const piece of pieces) {
      if (left.length === 0 || asking.deadline.left < SHORTEST_MS) break;
      const recorded = await readRecorded(asking.metrics, cellsOf(piece), timeoutOf(asking));
      if (recorded.kind !== 'recorded') return;
      left = left.filter((counted) => {
        const readings = recorded.of(counted.slo);
        if (readings === undefined) return false;
        const { all: known, news } = counted.keep(piece.first, readings);
        if (known) counted.asked(piece, asking.now, news);
        return known;
      });
    }
  }
}

/** Groups objectives that need the same buckets. Usually, all of them do. */
function byFirst(all: readonly Counted[], now: number): { request: CountRequest; group: Counted[] }[] {
  const groups = new Map<number, { request: CountRequest; group: Counted[] }>();
  for (const counted of all) {
    const wanted = counted.newer(now);
    if (wanted === null) continue;
    const same = groups.get(wanted.first);
    if (same === undefined) groups.set(wanted.first, { request: wanted, group: [counted] });
    else same.group.push(counted);
  }
  return [...groups.values()];
}

function piecesOf({ first, count }: CountRequest): CountRequest[] {
  return Array.from({ length: Math.ceil(count / RECORDED_MAX) }, (_, number) => {
    const offset = number * RECORDED_MAX;
    return { first: first + offset, count: Math.min(RECORDED_MAX, count - offset) };
  });
}

/** Reads buckets with the objective's own queries. Returns null if no buckets are needed. */
async function fill(
  asking: Asking,
  counted: Counted,
  wanted: CountRequest | null,
): Promise<'readings' | 'unreadable' | 'off' | 'late' | 'futile' | null> {
  if (wanted === null) return null;
  const isRange = wanted.count > 1;
  if (isRange && asking.ranges.futile !== null) {
    counted.notAnswered(wanted, asking.ranges.futile);
    return 'futile';
  }
  const asked = await own(asking, counted, cellsOf(wanted), wanted.first);
  if (asked.kind === 'unreadable') counted.notAnswered(wanted, asked.detail);
  if (isRange && asked.kind === 'unreadable') asking.ranges.notAnswered(asked.detail);
  if (asked.kind !== 'readings') return asked.kind;
  if (isRange) asking.ranges.answered();
  const { news } = counted.keep(wanted.first, asked.readings);
  counted.asked(wanted, asking.now, news);
  return 'readings';
}

const cellsOf = ({ first, count }: CountRequest): Cells => ({ from: first * BUCKET_SECONDS, count });

async function own(
  asking: Asking,
  counted: Counted,
  cells: Cells,
  first: number,
): Promise<ReadResult | { kind: 'late' }> {
  if (asking.deadline.left < SHORTEST_MS) return { kind: 'late' };
  asking.turns.had(counted);
  return readByOwnQueries(asking.metrics, counted.slo, cells, counted.hadGoodBefore(first), timeoutOf(asking));
}

const timeoutOf = ({ deadline }: Asking): number => Math.min(QUERY_TIMEOUT_MS, deadline.left);
