import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AuditLogTable } from '../../../../core/stores/audit/audit-log.ts';
import { citing } from '../../../../core/stores/audit/cited-decisions.ts';
import { keys as recordKeys } from '../../../../core/stores/keys.ts';
import { collect } from '../../../../core/stores/table.ts';
import { put } from '../../../../platforms/store.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { silent, sealSecrets } from '../../../../test/support/fake-deps.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';
import { keys } from '../../keys.ts';
import { DecisionRetentionTable } from '../../stores/decision-retention.ts';
import { FreezeDecisionTable } from '../../stores/freeze-decisions.ts';
import { decision } from '../freezes-support.ts';

const DAY = 24 * 3600;
const START = '2026-12-01T12:00:00.000Z' as Timestamp;
const dayAt = (n: number): Timestamp => plusSeconds(START, n * DAY);

/** Each decision of these tests has between one and two of these. */
const KB = 1000;

let stores: TableStores;
let audit: AuditLogTable;
let decisions: FreezeDecisionTable;
let ids: string[];

beforeEach(async () => {
  stores = await openTable();
  audit = new AuditLogTable(stores.table, stores.blobs, stores.clock, silent, sealSecrets);
  decisions = new FreezeDecisionTable(stores.table, stores.blobs, audit, silent);
  ids = [];
  goTo(START);
  await retention(KB).run(); // as in each minute
});
afterEach(() => stores.close());

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const goTo = (at: Timestamp): void => stores.clock.set(Date.parse(at));

/** Records a decision now. */
async function record(bytes = KB): Promise<string> {
  const id = `frd_${String(ids.length).padStart(32, '0')}`;
  ids.push(id);
  await decisions.keep(decision(id, stores.clock.now(), bytes), () => 'aggregate');
  return id;
}

/** Records as many decisions on each day, from the first day on. */
async function recordOn(counts: readonly number[]): Promise<void> {
  for (const [n, count] of counts.entries()) {
    goTo(dayAt(n));
    for (const _ of numbers(count)) await record();
    await sealed();
  }
}

const retention = (maxBytes: number) =>
  new DecisionRetentionTable(stores.table, stores.blobs, audit, stores.clock, { maxBytes });

/** Lets retention run until it has nothing to do. */
async function settle(maxBytes = 3 * KB): Promise<void> {
  for (let before = ''; ;) {
    await retention(maxBytes).run();
    const now = JSON.stringify(await stores.table.get(keys.decisionRetention()));
    if (now === before) return;
    before = now;
  }
}

/** IDs of decisions whose inputs are left, as their numbers. */
async function left(): Promise<number[]> {
  const found = await Promise.all(ids.map((id) => decisions.get(id)));
  return found.flatMap((one, n) => (one === undefined ? [] : [n]));
}

/** A check has the same result again. */
async function requested(id: string): Promise<void> {
  await decisions.keep(decision(id, stores.clock.now()), () => 'aggregate');
  await decisions.flush();
}

async function sealed(): Promise<void> {
  stores.clock.set(stores.clock.millis + 240_000);
  await audit.seal();
}

const brokenAt = async (): Promise<string> => (await audit.check()).brokenAt ?? 'intact';

const cite = (text: string) =>
  citing(stores.store, silent).write([put({ pk: 'INC#1', sk: `TL#${text}`, text: `see ${text}!` })]);

test('removes the oldest decisions until the rest is within the limit, and says so in the audit log', async () => {
  await recordOn([3, 2, 2]);
  goTo(dayAt(20));
  await settle(14 * KB);
  expect(await left()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  await settle(4 * KB); // one transaction removes all of a day with few decisions
  expect(await left()).toEqual([5, 6]);
  const { items } = await audit.list({ limit: 2 });
  expect(items.map(({ kind, text, detail }) => ({ kind, text, detail }))).toEqual([
    {
      kind: 'freeze.decisions_removed',
      text: 'Removed the inputs of 2 freeze decisions, because all recorded ones exceed 2 GB',
      detail: { removed: { '2026-12-02': 2 }, bytes: expect.any(Number) },
    },
    {
      kind: 'freeze.decisions_removed',
      text: 'Removed the inputs of 3 freeze decisions, because all recorded ones exceed 2 GB',
      detail: { removed: { '2026-12-01': 3 }, bytes: expect.any(Number) },
    },
  ]);
  expect(await brokenAt()).toBe('intact');
  await sealed();
  expect(await brokenAt()).toBe('intact');
});

test('what is left of a decision counts further requests, and says when its inputs were removed', async () => {
  await recordOn([1, 4]);
  goTo(dayAt(20));
  await settle();
  const [id = ''] = ids;
  expect(await decisions.get(id)).toBeUndefined();
  expect(await decisions.removedAt(id)).toBe(dayAt(20));
  const elsewhere = new FreezeDecisionTable(stores.table, stores.blobs, audit, silent);
  const again = decision(id, stores.clock.now(), KB);
  expect(await elsewhere.keep(again, () => 'aggregate')).toEqual({ id, first: false });
  await elsewhere.flush();
  expect(await stores.table.get(recordKeys.freezeDecision(id))).toEqual({
    ...recordKeys.freezeDecision(id),
    count: 2,
    last_at: again.at,
    removed_at: dayAt(20),
  });
  expect(await decisions.removedAt(ids[1] ?? '')).toBe(dayAt(20));
  expect(await decisions.removedAt('frd_unknown')).toBeUndefined();
  await sealed();
  expect(await brokenAt()).toBe('intact');
});

test('keeps the last seven days, also what was only requested in them', async () => {
  await recordOn([2, 0, 2]);
  goTo(dayAt(8));
  await requested(ids[0] ?? '');
  await settle(0);
  expect(await left()).toEqual([0, 2, 3]);
  expect(await collect(stores.table.each(keys.listedDecisions('2026-12-03').pk), (row) => row)).toHaveLength(2);
  goTo(plusSeconds(dayAt(10), -DAY / 2 + 1)); // the third day ended seven days ago, a second ago
  await settle(0);
  expect(await left()).toEqual([0]);
  goTo(dayAt(17));
  await settle(0);
  expect(await left()).toEqual([]);
  const { items } = await audit.list({ limit: 3 });
  expect(items.map(({ detail }) => detail['removed'])).toEqual([
    { '2026-12-01': 1 },
    { '2026-12-03': 2 },
    { '2026-12-01': 1 },
  ]);
  await sealed();
  expect(await brokenAt()).toBe('intact');
});

test('keeps what an incident cites, and counts it no longer', async () => {
  await recordOn([3, 3]);
  await cite(ids[1] ?? '');
  goTo(dayAt(20));
  await settle(3 * KB);
  expect(await left()).toEqual([1]);
  expect(await stores.table.get(keys.decisionRetention())).toMatchObject({ bytes: 0 });
  await sealed();
  expect(await brokenAt()).toBe('intact');
});

test.each([
  ['a citation', (id: string) => cite(id)],
  ['a request', (id: string) => requested(id)],
])('%s during the removal wins', async (_, happen) => {
  await recordOn([2, 1]);
  goTo(dayAt(20));
  await settle(100 * KB);
  const transact = vi.spyOn(audit, 'transact').mockImplementationOnce(async (...args) => {
    await happen(ids[0] ?? '');
    return audit.transact(...args);
  });
  await settle(0);
  transact.mockRestore();
  expect(await left()).toEqual([0]);
  await sealed();
  expect(await brokenAt()).toBe('intact');
});

test('continues after a crash before or after any write, and the audit log is intact after each', async () => {
  await recordOn([2, 40, 3]);
  goTo(dayAt(20));
  await record(400_000);
  goTo(dayAt(40));
  const write = stores.store.write.bind(stores.store);
  for (const crash of numbers(40)) {
    let count = 0;
    vi.spyOn(stores.store, 'write').mockImplementation(async (writes) => {
      count += 1;
      if (count === 2 && crash % 2 === 0) throw new Error('killed');
      const result = await write(writes);
      if (count === 2) throw new Error('killed');
      return result;
    });
    await retention(0)
      .run()
      .catch(() => undefined);
    vi.restoreAllMocks();
    expect(await brokenAt()).toBe('intact');
  }
  await settle(0);
  expect(await left()).toEqual([]);
  await sealed();
  expect(await brokenAt()).toBe('intact');
});

test.each(numbers(12))('another run after %i calls to the table removes nothing twice', async (calls) => {
  await recordOn([35, 1]);
  goTo(dayAt(20));
  await settle(100 * KB);
  stores.store.before(calls + 1, () => retention(0).run());
  await retention(0).run();
  await settle(0);
  expect(await left()).toEqual([]);
  const { items } = await audit.list({ limit: 10 });
  const removed = items.flatMap(({ detail }) => Object.values(detail['removed'] ?? {}) as number[]);
  expect(removed.reduce((sum, count) => sum + count, 0)).toBe(36);
  expect(await stores.table.get(keys.decisionRetention())).toMatchObject({ bytes: 0 });
});

test('counts anew after the clock was set back', async () => {
  await recordOn([1]);
  goTo(dayAt(400));
  await settle(100 * KB);
  stores.clock.setBack(399 * DAY);
  for (const _ of numbers(4)) await record();
  goTo(dayAt(20));
  await settle(3 * KB);
  expect(await left()).toEqual([]);
});

test('a record in the bucket is emptied a day later, so that a backup of before still has it', async () => {
  await recordOn([1]);
  const id = await record(400_000);
  const blob = String((await stores.table.get(recordKeys.freezeDecision(id)))?.['record_blob']);
  await sealed();
  goTo(dayAt(20));
  await settle(0);
  expect(await left()).toEqual([]);
  goTo(dayAt(21));
  await settle(0);
  expect(String(await stores.blobs.get(blob))).toContain(id);
  goTo(plusSeconds(dayAt(21), 1));
  await settle(100 * KB); // there is nothing else to remove
  expect(String(await stores.blobs.get(blob))).toBe('');
  expect(await collect(stores.table.each(keys.unusedBlobs().pk), (row) => row)).toEqual([]);
  await sealed();
  expect(await brokenAt()).toBe('intact');
});

test('a large decision that is requested again leaves no blob behind', async () => {
  const id = await record(400_000);
  const write = vi.spyOn(stores.blobs, 'put');
  const elsewhere = new FreezeDecisionTable(stores.table, stores.blobs, audit, silent);
  const again = decision(id, plusSeconds(stores.clock.now(), 60), 400_000);
  expect(await elsewhere.keep(again, () => 'aggregate')).toEqual({ id, first: false });
  expect(write).not.toHaveBeenCalled();
});
