import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { AuditLogTable } from '../../../../core/stores/audit/audit-log.ts';
import { type FreezeDecisionOptions, FreezeDecisionTable } from '../../stores/freeze-decisions.ts';
import { keys } from '../../../../core/stores/keys.ts';
import type { FreezeDecision } from '../../types.ts';
import { silent, sealSecrets } from '../../../../test/support/fake-deps.ts';
import { decision } from '../freezes-support.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';

let stores: TableStores;
let audit: AuditLogTable;
let decisions: FreezeDecisionTable;
let ids = 0;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());
beforeEach(() => {
  audit = new AuditLogTable(stores.table, stores.blobs, stores.clock, silent, sealSecrets);
  decisions = another();
});

/** The same table in another process. */
const another = (options?: FreezeDecisionOptions) =>
  new FreezeDecisionTable(stores.table, stores.blobs, audit, silent, options);

function aDecision(bytes = 10): FreezeDecision {
  ids += 1;
  return decision(`dec_${ids}`, stores.clock.now(), bytes);
}

/** Keeps a decision; one in an aggregate is `aggregated`. */
async function keep(one: FreezeDecision, table = decisions): Promise<'first' | 'again' | 'aggregated'> {
  const kept = await table.keep(one, () => `aggregate of ${one.by}`);
  if (kept.id !== one.id) return 'aggregated';
  return kept.first ? 'first' : 'again';
}

type FiveDecisions = [FreezeDecision, FreezeDecision, FreezeDecision, FreezeDecision, FreezeDecision];

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

test('a decision is stored with all its inputs, and is in the audit log', async () => {
  const one = aDecision();
  expect(await keep(one)).toBe('first');
  expect(await decisions.get(one.id)).toEqual({ ...one, count: 1, last_at: one.at });
  const [entry] = (await audit.list({ limit: 1 })).items;
  expect(entry).toMatchObject({
    id: `freeze.decision:${one.id}`,
    kind: 'freeze.decision',
    actor: 'token:ci',
    subject: 'checkout/production',
    text: 'Denied: deploy of v42',
    detail: { decision: one.id, allowed: false, verdict: 'freeze', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
  expect(await decisions.get('dec_unknown')).toBeUndefined();
});

test('of repeated decisions the first one is kept, and the count is available', async () => {
  const one = aDecision();
  await keep(one);
  stores.clock.set(stores.clock.millis + 5000);
  const again = { ...one, at: stores.clock.now(), by: 'another', inputs: null };
  expect(await keep(again)).toBe('again');
  expect(await keep(again, another())).toBe('again'); // the process dies before it has written the count
  expect(await decisions.get(one.id)).toEqual({ ...one, count: 1, last_at: one.at });
  await decisions.flush();
  await decisions.flush();
  expect(await decisions.get(one.id)).toEqual({ ...one, count: 2, last_at: again.at });
});

test('a repeat needs no call to the table', async () => {
  const one = aDecision();
  const stranger = another();
  await keep(one);
  await keep(one, stranger); // this process learns that the decision exists
  const [transact, update, get] = (['transact', 'update', 'get'] as const).map((name) => vi.spyOn(stores.table, name));
  expect([await keep(one), await keep(one, stranger)]).toEqual(['again', 'again']);
  for (const call of [transact, update, get]) expect(call).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

test('concurrent decisions are stored once, and one of them is the first', async () => {
  const one = aDecision();
  const processes = numbers(4).map(() => another());
  const answers = await Promise.all(processes.flatMap((process) => numbers(10).map(() => keep(one, process))));
  expect(answers.filter((answer) => answer === 'first')).toHaveLength(1);
  await Promise.all(processes.map((process) => process.flush()));
  expect(await decisions.get(one.id)).toMatchObject({ count: 40 });
  const { items } = await audit.list({ limit: 50 });
  expect(items.filter(({ id }) => id.endsWith(`:${one.id}`))).toHaveLength(1);
});

test('counts are written automatically after a while', async () => {
  const one = aDecision();
  const hasty = another({ flushEveryMs: 1 });
  await keep(one, hasty);
  await keep(one, hasty);
  await expect.poll(() => decisions.get(one.id)).toMatchObject({ count: 2 });
});

test('counts that could not be written are written the next time', async () => {
  const all = numbers(15).map(() => aDecision());
  for (const one of [...all, ...all]) await keep(one);
  const update = vi.spyOn(stores.table, 'update').mockRejectedValue(new Error('throttled'));
  await expect(decisions.flush()).rejects.toThrow('throttled');
  update.mockRestore();
  await keep(all[0] ?? aDecision());
  await decisions.flush();
  const counts = await Promise.all(all.map(async ({ id }) => (await decisions.get(id))?.count));
  expect(counts).toEqual([3, ...Array<number>(14).fill(2)]);
});

test('a large decision is stored in the bucket', async () => {
  const one = aDecision(500_000);
  expect(await keep(one)).toBe('first');
  expect(await decisions.get(one.id)).toEqual({ ...one, count: 1, last_at: one.at });
  const item = await stores.table.get(keys.freezeDecision(one.id));
  expect(item).toMatchObject({ record_blob: expect.stringMatching(/^freeze-decisions\//) });
  expect(JSON.stringify(item).length).toBeLessThan(1000);
});

test('a decision that could not be written is not remembered, and is the first when it is repeated', async () => {
  const one = aDecision();
  const transact = vi.spyOn(stores.table, 'transact').mockRejectedValue(new Error('throttled'));
  await expect(keep(one)).rejects.toThrow('throttled');
  transact.mockRestore();
  expect(await keep(one)).toBe('first');
});

test('new decisions of a caller above its limit are counted in one record, and no decision of others is', async () => {
  const few = another({ allowance: { perSecond: 0.5, burst: 2 } });
  const [first, second, third, fourth, fifth] = numbers(5).map(() => aDecision()) as FiveDecisions;
  expect([await keep(first, few), await keep(second, few)]).toEqual(['first', 'first']);
  const transact = vi.spyOn(stores.table, 'transact');
  expect(await few.keep(third, () => 'agg_1')).toEqual({ id: 'agg_1', first: true });
  expect(transact).toHaveBeenCalledTimes(1);
  expect(await few.keep(fourth, () => 'agg_1')).toEqual({ id: 'agg_1', first: false });
  expect(await few.keep(third, () => 'agg_1')).toEqual({ id: 'agg_1', first: false });
  expect(transact).toHaveBeenCalledTimes(1);
  transact.mockRestore();

  // What is stored keeps its ID, also if it was stored by another process.
  expect(await keep(first, few)).toBe('again');
  await keep(fifth);
  expect(await keep(fifth, few)).toBe('again');
  expect(await keep({ ...aDecision(), by: 'token:other' }, few)).toBe('first');
  await few.flush();
  expect(await few.get('agg_1')).toEqual({
    ...third,
    id: 'agg_1',
    aggregated: true,
    count: 3,
    last_at: third.at,
  });
  expect(await few.get(fourth.id)).toBeUndefined();
  const { items } = await audit.list({ limit: 100 });
  expect(items.find(({ id }) => id === 'freeze.decision:agg_1')?.text).toBe(
    'Denied: deploy of v42; further ones on this day are only counted',
  );

  stores.clock.set(stores.clock.millis + 2000);
  expect(await keep(aDecision(), few)).toBe('first');
  expect(await few.keep(aDecision(), () => 'agg_1')).toEqual({ id: 'agg_1', first: false });
});

test('decisions that could not be written, and repeats of those of another process, use up no allowance', async () => {
  const few = another({ allowance: { perSecond: 0.001, burst: 1 } });
  const transact = vi.spyOn(stores.table, 'transact').mockRejectedValueOnce(new Error('throttled'));
  await expect(keep(aDecision(), few)).rejects.toThrow('throttled');
  transact.mockRestore();
  const one = aDecision();
  await keep(one);
  expect(await keep(one, few)).toBe('again');
  expect(await keep(aDecision(), few)).toBe('first');
});
