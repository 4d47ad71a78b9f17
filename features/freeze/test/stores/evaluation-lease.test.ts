import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { keys } from '../../keys.ts';
import { EvaluationLeaseTable } from '../../stores/evaluation-lease.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';
import { remove } from '../../../../platforms/store.ts';

let stores: TableStores;
let lease: EvaluationLeaseTable;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());
beforeEach(async () => {
  await stores.table.transact([remove(keys.evaluationLease())]);
  lease = new EvaluationLeaseTable(stores.table, stores.clock);
});

const later = (seconds: number): void => stores.clock.set(stores.clock.millis + seconds * 1000);

test('one process holds it until it expires, and can renew it at any time', async () => {
  expect(await lease.take('a', 50)).toBe('taken');
  expect(await lease.take('b', 50)).toBe('held');
  later(30);
  expect(await lease.take('a', 50)).toBe('kept');
  later(49);
  expect(await lease.take('b', 50)).toBe('held');
  later(1);
  expect(await lease.take('b', 50)).toBe('taken');
});

test('does not outlast its length when the clock is set back', async () => {
  await lease.take('a', 50);
  stores.clock.setBack(7200);
  expect(await lease.take('b', 50)).toBe('taken');
  later(7200);
});

test('a released lease is free at once, and the next holder learns of a change', async () => {
  await lease.take('a', 50);
  await lease.release('a');
  expect(await lease.take('a', 50)).toBe('kept');
  await lease.release('a');
  expect(await lease.take('b', 50)).toBe('taken');
  await lease.release('b');
  expect(await lease.take('a', 50)).toBe('taken');
});

test('a process that lost it does not release the lease of another one', async () => {
  await lease.take('a', 50);
  later(50);
  await lease.take('b', 50);
  await lease.release('a');
  expect(await lease.take('c', 50)).toBe('held');
});

test('one of many concurrent processes gets it', async () => {
  for (const round of ['first', 'after it was there once']) {
    const names = Array.from({ length: 10 }, (_, n) => `${round} ${n}`);
    const answers = await Promise.all(
      names.map((name) => new EvaluationLeaseTable(stores.table, stores.clock).take(name, 50)),
    );
    expect(answers.toSorted()).toEqual([...Array<string>(9).fill('held'), 'taken']);
    later(50);
  }
});
