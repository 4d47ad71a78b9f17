import { afterAll, beforeAll, expect, test } from 'vitest';
import { PagerIncidentTable } from '../../../../core/stores/messages/pager-incidents.ts';
import { pageOfKey } from '../../../../core/domain/paging/pagerduty/page-reference.ts';
import { pageKey } from '../../../../core/domain/paging/pages.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { openTable, type TableStores } from '../../stores/stores.ts';

const incidentId = '01JCYZ7Q8M3N5P7R9T1V3X5Z7B' as IncidentId;

let stores: TableStores;
let incidents: PagerIncidentTable;

beforeAll(async () => {
  stores = await openTable();
  incidents = new PagerIncidentTable(stores.table, stores.clock);
});
afterAll(() => stores.close());

test('what is known about a PagerDuty incident is stored', async () => {
  expect(await incidents.find('PGR0VU2')).toEqual([]);
  for (const number of [10, 2, 2]) await incidents.remember('PGR0VU2', { incidentId, number });
  expect(await incidents.find('PGR0VU2')).toEqual([2, 10].map((number) => ({ incidentId, number })));
  expect(await incidents.find('PGR0VU3')).toEqual([]);
});

test('the key of a page identifies the page, and no other key does', () => {
  expect(pageOfKey(pageKey(incidentId, 12))).toEqual({ incidentId, number: 12 });
  for (const key of [
    '',
    incidentId,
    `${pageKey(incidentId, 1)}.second`,
    pageKey(incidentId, 0),
    `x${pageKey(incidentId, 1)}`,
  ])
    expect(pageOfKey(key)).toBeUndefined();
});
