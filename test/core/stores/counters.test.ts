import { expect, test } from 'vitest';
import { CounterTable } from '../../../core/stores/counters.ts';
import type { Table } from '../../../core/stores/table.ts';
import { silent } from '../../support/fake-deps.ts';
import { openTable } from './stores.ts';

const COUNT = { name: 'firebreak_alerts_received_total', labels: ['generic'], by: 2 } as const;

test('in a process that runs on, nobody waits for a count, and a later read has it', async () => {
  const { table, clock } = await openTable();
  const held = Promise.withResolvers<void>();
  const slow = {
    getAll: (...args: Parameters<Table['getAll']>) => table.getAll(...args),
    update: async (...args: Parameters<Table['update']>) => {
      await held.promise;
      return table.update(...args);
    },
  } as Table;
  const counters = new CounterTable(slow, silent, clock, { runsOn: true });
  await counters.add([COUNT]);
  await counters.add([COUNT]);
  const read = counters.read();
  held.resolve();
  expect(await read).toEqual([{ ...COUNT, by: 4 }]);
});
