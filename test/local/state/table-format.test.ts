import { afterEach, beforeEach, expect, test } from 'vitest';
import { keys } from '../../../aws/table/core/keys.ts';
import { TABLE_FORMAT } from '../../../local/state/formats.ts';
import { checkTableFormat } from '../../../local/state/table-format.ts';
import { openTable } from '../../aws/table/stores.ts';
import { arrivals, signal } from '../../support/signals.ts';

let stores: Awaited<ReturnType<typeof openTable>>;
beforeEach(async () => {
  stores = await openTable();
});
afterEach(() => stores.close());

const check = () => checkTableFormat(stores.client, stores.table.name);

test('a new table gets the format of this version, and is accepted from then on', async () => {
  await check();
  expect(await stores.table.get(keys.format())).toMatchObject({ format: TABLE_FORMAT });
  await stores.incidents.admit(arrivals([signal()]), { at: stores.clock.now(), trace: '' });
  await check();
});

test.each([
  ['a newer version', 99, /\(format 99; this version knows \d+\)\. Start that version/],
  ['an older version', TABLE_FORMAT - 1, /does not read any more.*docs\/how-to\/backup\.md/],
])('the table of %s is refused', async (_, format, message) => {
  await stores.table.transact([stores.table.put({ ...keys.format(), format })]);
  await expect(check()).rejects.toThrow(message);
});

test('a table with items and no recorded format is refused, and not changed', async () => {
  await stores.incidents.admit(arrivals([signal()]), { at: stores.clock.now(), trace: '' });
  await expect(check()).rejects.toThrow('format 1');
  expect(await stores.table.get(keys.format())).toBeUndefined();
});
