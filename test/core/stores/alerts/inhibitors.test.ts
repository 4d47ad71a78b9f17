import { afterEach, beforeEach, expect, test } from 'vitest';
import { readInhibitors, recordInhibitors } from '../../../../core/stores/alerts/inhibitors.ts';
import { keys } from '../../../../core/stores/keys.ts';
import { sha256 } from '../../../../core/stores/hash.ts';
import { put } from '../../../../platforms/store.ts';
import { openTable, type TableStores } from '../stores.ts';

let stores: TableStores;
beforeEach(async () => {
  stores = await openTable();
});
afterEach(() => stores.close());

const labels = new Map([['severity', ['critical', 'page']]]);
const alert = (key: string, groups: string[], status: 'firing' | 'resolved' = 'firing') => ({
  key,
  groups,
  status,
  title: key,
  labels,
});
const titles = async (...groups: string[]) =>
  (await readInhibitors(stores.table, groups, stores.clock.now())).map(({ title }) => title).toSorted();

test('both values of a severity are stored', async () => {
  const { table, clock } = stores;
  await recordInhibitors(table, [alert('a', ['g'])], clock.now());
  expect(await readInhibitors(table, ['g'], clock.now())).toEqual([{ title: 'a', labels }]);
});

test('one alert of each group is read, however many there are', async () => {
  const { table, clock } = stores;
  const all = Array.from({ length: 300 }, (_, n) => alert(`${n}`, ['g', `h${n}`]));
  await recordInhibitors(table, all, clock.now());
  stores.reads();
  expect(await titles('g', 'h7', 'none')).toHaveLength(2);
  expect(stores.reads().items).toBeLessThan(20);
});

test('an alert leaves its groups when it ends, and those that it is not in any more', async () => {
  const { table, clock } = stores;
  await recordInhibitors(table, [alert('a', ['g', 'h']), alert('b', ['g'])], clock.now());
  await recordInhibitors(table, [alert('a', ['h', 'i'])], clock.now());
  expect([await titles('g'), await titles('h'), await titles('i')]).toEqual([['b'], ['a'], ['a']]);
  // The end can have other labels than the start.
  await recordInhibitors(table, [alert('a', ['x'], 'resolved'), alert('b', [], 'resolved')], clock.now());
  expect(await titles('g', 'h', 'i', 'x')).toEqual([]);
  await recordInhibitors(table, [alert('a', ['g']), alert('a', [], 'resolved')], clock.now());
  expect(await titles('g')).toEqual([]);
});

test('an alert whose end was never reported inhibits for a day, and hides no other one', async () => {
  const { table, clock } = stores;
  await recordInhibitors(
    table,
    Array.from({ length: 12 }, (_, n) => alert(`old ${n}`, ['g'])),
    clock.now(),
  );
  clock.set(clock.millis + 23 * 3_600_000);
  await recordInhibitors(table, [alert('new', ['g'])], clock.now());
  expect(await titles('g')).toHaveLength(1);
  clock.set(clock.millis + 2 * 3_600_000);
  expect(await titles('g')).toEqual(['new']);
});

test('alerts that version 0.2.0 stored inhibit until they end', async () => {
  const { table, clock } = stores;
  const expires_at = clock.millis / 1000 + 3600;
  for (const key of ['a', 'b'])
    await table.transact([
      put({ ...keys.formerInhibitor(sha256(key)), title: key, labels: [['severity', 'critical']], expires_at }),
    ]);
  expect(await titles('g')).toEqual(['a', 'b']);
  await recordInhibitors(table, [alert('a', [], 'resolved')], clock.now());
  expect(await titles('g')).toEqual(['b']);
});
