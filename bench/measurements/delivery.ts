import { deepStrictEqual } from 'node:assert';
import { changeWrites, newChange } from '../../aws/table/changes/changes.ts';
import type { Table } from '../../aws/table/core/table.ts';
import { DeployHistoryTable } from '../../aws/table/delivery/deploy-history.ts';
import { doraReport } from '../../domain/delivery/figures.ts';
import { withTable } from '../empty-table.ts';
import { NewChange } from '../../schemas/changes/change.ts';
import { DeliveryFile } from '../../schemas/delivery/delivery-file.ts';
import type { DeployRecord } from '../../schemas/delivery/deploy-record.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';
import { result, type Result } from '../results.ts';

const DEPLOYS = 50_000;
const SERVICES = 5;
const DAYS = 365;
const DAY_SECONDS = 24 * 3600;
const UNTIL = '2026-11-20T12:00:00.000Z' as Timestamp;

/** Deploys of a transaction: each is two items, of at most 100. */
const PER_WRITE = 50;
const WRITES_AT_ONCE = 4;

/** The fastest of so many runs. */
const RUNS = 3;

/** Reading rollups must take at most this share of the time of the recomputation. */
const TARGET = 0.5;

/**
 * Measures the delivery figures of a year with 50,000 deploys: from daily rollups, and recomputed from the recorded
 * changes. Fails unless both are equal.
 */
export const measureDelivery = (): Promise<Result[]> =>
  withTable(async (table) => {
    await store(table);
    const history = new DeployHistoryTable(table);
    while (!(await history.roll(DAYS * SERVICES)).isComplete);
    const query = { from: plusSeconds(UNTIL, -DAYS * DAY_SECONDS), until: UNTIL };
    const rolled = await timed(async () => reportOf(await history.read(query)));
    const recomputed = await timed(async () => reportOf(await history.recorded(query)));
    deepStrictEqual(rolled.report, recomputed.report, 'the rollups differ from the recomputation');
    const what = `delivery figures of a year with ${DEPLOYS.toLocaleString('en')} deploys, ms (reference: recomputed)`;
    return [result(what, rolled.millis, recomputed.millis, TARGET, 0)];
  });

async function store(table: Table): Promise<void> {
  const changes = Array.from({ length: DEPLOYS }, (_, n) => {
    const started_at = plusSeconds(UNTIL, -Math.floor(((n + 1) * DAYS * DAY_SECONDS) / (DEPLOYS + 1)));
    const input = NewChange.parse({
      service: `service-${n % SERVICES}`,
      environment: 'production',
      version: `v${n}`,
      kind: n % 50 === 7 ? 'rollback' : n % 40 === 3 ? 'hotfix' : 'deploy',
      status: n % 60 === 11 ? 'failed' : 'succeeded',
      started_at,
      finished_at: plusSeconds(started_at, 300),
      commits: Array.from({ length: 1 + (n % 5) }, (__, commit) => ({
        sha: `${n}-${commit}`,
        committed_at: plusSeconds(started_at, -((n * 37 + commit * 911) % (3 * DAY_SECONDS))),
      })),
    });
    return newChange(input, UNTIL, null);
  });
  const batches = Array.from({ length: DEPLOYS / PER_WRITE }, (_, n) =>
    changes.slice(n * PER_WRITE, (n + 1) * PER_WRITE).flatMap((change) =>
      // Only the record and the mark of its day: pointers are not read here.
      changeWrites(table, change, true).filter(({ Put }) => /^(CHG#|DEPLOYMARKS$)/.test(String(Put?.Item?.['pk']))),
    ),
  );
  for (let from = 0; from < batches.length; from += WRITES_AT_ONCE)
    await Promise.all(batches.slice(from, from + WRITES_AT_ONCE).map((writes) => table.transact(writes)));
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
