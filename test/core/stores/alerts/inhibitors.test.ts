import { afterEach, beforeEach, expect, test } from 'vitest';
import { readInhibitors, recordInhibitors } from '../../../../core/stores/alerts/inhibitors.ts';
import { keys } from '../../../../core/stores/keys.ts';
import { collect } from '../../../../core/stores/table.ts';
import { openTable, type TableStores } from '../stores.ts';

let stores: TableStores;
beforeEach(async () => {
  stores = await openTable();
});
afterEach(() => stores.close());

const severityOf = ({ labels }: { labels: Iterable<[string, unknown]> }) => new Map(labels).get('severity');

test('both values of a severity are stored, and version 0.2.0 reads its meaning', async () => {
  const { table, clock } = stores;
  const labels = new Map([['severity', ['critical', 'page']]]);
  await recordInhibitors(table, [{ key: 'a', status: 'firing', title: 'Down', labels }], clock.now());
  expect((await readInhibitors(table, clock.now())).map(({ labels: read }) => read)).toEqual([labels]);
  const stored = await collect(table.each(keys.inhibitors().pk), (item) => item as never);
  expect(stored.map(severityOf)).toEqual(['critical']);
});
