import { afterAll, beforeAll, expect, test } from 'vitest';
import { SloAlertTable } from '../../stores/slo-alerts.ts';
import type { SeenAlert } from '../../types.ts';
import type { SloId } from '../../../../schemas/slo/slo.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';

let stores: TableStores;
let alerts: SloAlertTable;

beforeAll(async () => {
  stores = await openTable();
  alerts = new SloAlertTable(stores.table, stores.clock);
});
afterAll(() => stores.close());

const DAY = 24 * 3600;
const later = (seconds: number): void => stores.clock.set(stores.clock.millis + seconds * 1000);
const event = (report: string, firing: boolean): SeenAlert => ({ report, severity: 'critical', firing });

test('the last state of each alert of an objective is stored', async () => {
  const [checkout, search, other] = ['checkout#1', 'checkout', 'quiet'] as SloId[] as [SloId, SloId, SloId];
  await alerts.record(checkout, event('a', true));
  await alerts.record(checkout, event('b', true));
  await alerts.record(search, { report: '1#a', severity: 'warning', firing: false });
  await alerts.record(checkout, event('a', false));
  const all = await alerts.all();
  expect(all.get(checkout)).toEqual([event('a', false), event('b', true)]);
  expect(all.get(search)).toEqual([{ report: '1#a', severity: 'warning', firing: false }]);
  expect(all.get(other)).toBeUndefined();
});

test('an alert without notifications for a week does not fire any more, and is kept for another week', async () => {
  const id = 'forgotten' as SloId;
  await alerts.record(id, event('a', true));
  later(7 * DAY - 1);
  expect((await alerts.all()).get(id)).toEqual([event('a', true)]);
  await alerts.record(id, event('b', true));
  later(1);
  expect((await alerts.all()).get(id)).toEqual([event('a', false), event('b', true)]);
});
