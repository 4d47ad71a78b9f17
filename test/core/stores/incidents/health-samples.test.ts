import { afterEach, beforeEach, expect, test } from 'vitest';
import { HealthSampleTable } from '../../../../core/stores/incidents/health-samples.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { openTable, type TableStores } from '../stores.ts';

const ID = 'inc_1' as IncidentId;

const at = (minute: number) => `2026-11-20T12:0${minute}:00.000Z` as Timestamp;

let stores: TableStores;
beforeEach(async () => {
  stores = await openTable();
});
afterEach(() => stores.close());

const keeps = (samples: HealthSampleTable, ...minutes: number[]) =>
  samples.keep(ID, { curve: minutes.map((minute) => [at(minute), 0.5]), traffic: [] });

test('the newest sample is not read again as long as one that is known is new enough', async () => {
  const samples = new HealthSampleTable(stores.table);
  await keeps(samples, 0, 1);
  stores.reads(); // counts from here
  expect(await samples.newest(ID, at(0))).toBe(at(1));
  expect(stores.reads().calls).toBe(0);
  await keeps(new HealthSampleTable(stores.table), 2, 3);
  expect(await samples.newest(ID, at(1))).toBe(at(3));
});

test('without a limit, the newest sample is that of all processes', async () => {
  const samples = new HealthSampleTable(stores.table);
  await keeps(samples, 0, 1);
  await keeps(new HealthSampleTable(stores.table), 2, 3);
  expect(await samples.newest(ID)).toBe(at(3));
});

test('samples that another process has kept do not count as newer ones', async () => {
  const [samples, other] = [new HealthSampleTable(stores.table), new HealthSampleTable(stores.table)];
  await keeps(other, 0, 1);
  await keeps(samples, 0, 1, 2);
  expect(await samples.newest(ID, at(1))).toBe(at(1));
});
