import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { CheckedScope } from '../../freeze/types.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { FreezeStateTable } from '../../freeze/stores/freeze-state.ts';
import { status } from '../../freeze/test/freezes-support.ts';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';
import { keys } from '../keys.ts';
import { SloStatusTable } from '../stores/slo-statuses.ts';

let stores: TableStores;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());

const place = (service: string): CheckedScope => ({
  service: ServiceName.parse(service),
  environment: EnvironmentName.parse('production'),
  team: null,
});

test('the statuses of a service and its dependencies are read in one call with the freezes', async () => {
  const [own, dependency] = [place('checkout'), place('payments-api')];
  const statuses = new SloStatusTable(stores.table);
  const slos = [status('availability', 'checkout'), status('latency', 'checkout')];
  await statuses.put(own, slos);
  await statuses.setEvaluatedAt(stores.clock.now());
  const freezes = new FreezeStateTable(stores.table);

  const getAll = vi.spyOn(stores.table, 'getAll');
  const [, read] = await Promise.all([freezes.read(own, [dependency]), statuses.read([own, dependency])]);
  expect(getAll).toHaveBeenCalledTimes(1);
  vi.restoreAllMocks();
  expect(read).toEqual({ statuses: [slos, []], evaluatedAt: stores.clock.now() });
});

test('statuses that cannot be read are an error, not an empty list', async () => {
  await stores.table.update(keys.sloStatus(place('corrupt')), { set: { statuses: '[{"id":"availability"}]' } });
  await expect(new SloStatusTable(stores.table).read([place('corrupt')])).rejects.toThrow();
});
