import { deepStrictEqual } from 'node:assert';
import { changeWrites, newChange } from '../../../core/stores/changes/changes.ts';
import type { Table } from '../../../core/stores/table.ts';
import type { Write } from '../../../platforms/store.ts';
import { DeployHistoryTable } from '../stores/deploy-history.ts';
import { doraReport } from '../decisions/figures.ts';
import { withTable } from '../../../packages/lab/bench/table.ts';
import { type Change, NewChange } from '../../../schemas/changes/change.ts';
import { DeliveryFile } from '../../../schemas/changes/delivery-file.ts';
import type { DeployRecord } from '../deploy-record.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { type Measured, result } from '../../../packages/lab/bench/results.ts';

const DEPLOYS = 50_000;
const SERVICES = 5;
const DAYS = 365;
const DAY_SECONDS = 24 * 3600;
const UNTIL = '2026-11-20T12:00:00.000Z' as Timestamp;

/** Items of a transaction, at most 100, and transactions at the same time. */
const PER_WRITE = 100;
const WRITES_AT_ONCE = 4;

/** Number of runs, of which the fastest counts. */
const RUNS = 3;

/** Reading rollups must take at most this share of the time of the recomputation. */
const TARGET = 0.5;

/**
 * Measures the delivery figures of a year with 50,000 deploys: from daily rollups, and recomputed from the recorded
 * changes. Fails unless both are equal.
 */
export const measure = (): Promise<Measured[]> =>
  withTable(async (table) => {
    const history = new DeployHistoryTable(table);
    // Completes the backfill while the table is empty. Otherwise, it would roll up each day a second time.
    await history.roll(1);
    await store(table);
    while (!(await history.roll(DAYS * SERVICES)).isComplete);
    const query = { from: plusSeconds(UNTIL, -DAYS * DAY_SECONDS), until: UNTIL };
    const rolled = await timed(async () => reportOf(await history.read(query)));
    const recomputed = await timed(async () => reportOf(await history.recorded(query)));
    deepStrictEqual(rolled.report, recomputed.report, 'the rollups differ from the recomputation');
    const what = `delivery figures of a year with ${DEPLOYS.toLocaleString('en')} deploys, ms (reference: recomputed)`;
    return [result(what, rolled.millis, recomputed.millis, TARGET, 0)];
  });

/**
 * Stores the records of the deploys, and one mark per service and day, from which rollups are made. Omits the other items
 * of a change, and repeated marks of a day, because reading the figures does not use them.
 */
async function store(table: Table): Promise<void> {
  const marked = new Set<string>();
  const writes = Array.from({ length: DEPLOYS }, (_, n) => n)
    .values()
    .flatMap((n) => writesOf(n, marked));
  let batch: Write[][] = [[]];
  for (const write of writes) {
    if (batch.at(-1)?.length === PER_WRITE) batch.push([]);
    batch.at(-1)?.push(write);
    if (batch.length <= WRITES_AT_ONCE) continue;
    await Promise.all(batch.slice(0, WRITES_AT_ONCE).map((one) => table.transact(one)));
    batch = batch.slice(WRITES_AT_ONCE);
  }
  await Promise.all(batch.map((one) => table.transact(one)));
}

function writesOf(n: number, marked: Set<string>): Write[] {
  const change = deploy(n);
  const day = `${change.service} ${change.started_at.slice(0, 10)}`;
  const isMarked = marked.has(day);
  marked.add(day);
  return changeWrites(change, { onlyNew: true }).filter((write) => {
    const pk = write.kind === 'put' ? String(write.item['pk']) : '';
    return pk.startsWith('CHG#') || (pk === 'DEPLOYMARKS' && !isMarked);
  });
}

function deploy(n: number): Change {
  const started_at = plusSeconds(UNTIL, -Math.floor(((n + 1) * DAYS * DAY_SECONDS) / (DEPLOYS + 1)));
  const input = NewChange.parse({
    service: `service-${n % SERVICES}`,
    environment: 'production',
    version: `v${n}`,
    kind: n % 50 === 7 ? 'rollback' : n % 40 === 3 ? 'hotfix' : 'deploy',
    status: n % 60 === 11 ? 'failed' : 'succeeded',
    started_at,
    finished_at: plusSeconds(started_at, 300),
    commits: Array.from({ length: 1 + (n % 5) }, (_, commit) => ({
      sha: `${n}-${commit}`,
      committed_at: plusSeconds(started_at, -((n * 37 + commit * 911) % (3 * DAY_SECONDS))),
    })),
  });
  return newChange(input, UNTIL, null);
}

const config = DeliveryFile.parse({});

const reportOf = (deploys: readonly DeployRecord[]) =>
  doraReport(
    { deploys, incidents: [], corrections: [], rework: new Map() },
    { from: plusSeconds(UNTIL, -DAYS * DAY_SECONDS), until: UNTIL, now: UNTIL },
    () => true,
    config,
  );

/** Returns the result and the shortest of several runs. */
async function timed<T>(run: () => Promise<T>): Promise<{ report: T; millis: number }> {
  let shortest = Infinity;
  let report: T | undefined;
  for (let n = 0; n < RUNS; n += 1) {
    const began = performance.now();
    report = await run();
    shortest = Math.min(shortest, performance.now() - began);
  }
  return { report: report as T, millis: shortest };
}
