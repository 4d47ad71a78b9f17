import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { keys } from '../../../../aws/table/core/keys.ts';
import { SloLeaseTable } from '../../../../aws/table/slo/slo-lease.ts';
import { openTable, type TableStores } from '../stores.ts';

let stores: TableStores;
let lease: SloLeaseTable;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());
beforeEach(async () => {
  await stores.table.transact([stores.table.remove(keys.sloLease())]);
  lease = new SloLeaseTable(stores.table, stores.clock);
});

const later = (seconds: number): void => stores.clock.set(stores.clock.millis + seconds * 1000);

test('one has it until it is over, and can have it again at any time', async () => {
  expect(await lease.take('a', 50)).toBe('taken');
  expect(await lease.take('b', 50)).toBe('held');
  later(30);
  expect(await lease.take('a', 50)).toBe('kept');
  later(49);
  expect(await lease.take('b', 50)).toBe('held');
  later(1);
  expect(await lease.take('b', 50)).toBe('taken');
});

test('whoever gives it back leaves it to others at once, and is told when somebody had it since', async () => {
  await lease.take('a', 50);
  await lease.release('a');
  expect(await lease.take('a', 50)).toBe('kept');
  await lease.release('a');
  expect(await lease.take('b', 50)).toBe('taken');
  await lease.release('b');
  expect(await lease.take('a', 50)).toBe('taken');
});

test('whoever has lost it does not give back what another one has', async () => {
  await lease.take('a', 50);
  later(50);
  await lease.take('b', 50);
  await lease.release('a');
  expect(await lease.take('c', 50)).toBe('held');
});

test('of many at the same moment one gets it', async () => {
  for (const round of ['first', 'after it was there once']) {
    const names = Array.from({ length: 10 }, (_, n) => `${round} ${n}`);
    const answers = await Promise.all(
      names.map((name) => new SloLeaseTable(stores.table, stores.clock).take(name, 50)),
    );
    expect(answers.toSorted()).toEqual([...Array<string>(9).fill('held'), 'taken']);
    later(50);
  }
});
