import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { IncidentTable } from '../../../../core/stores/incidents/incidents.ts';
import { IncidentGroupTable } from '../../../../core/stores/incidents/incident-groups.ts';
import type { Table } from '../../../../core/stores/table.ts';
import {
  here,
  inTheTable,
  opened,
  record,
  serviceEnvironment,
  stores as promised,
  TRACE,
} from '../../stores/promises.ts';
import { runs } from '../../../support/runs.ts';

const stores = promised as typeof promised & { table: Table };

/** What another process would have: its own stores on the same table. */
const process = () => new IncidentTable(stores.table, stores.clock);

let names = 0;
const declare = async (incidents: IncidentTable): Promise<IncidentId> => {
  const { id } = await incidents.declare({
    service: `numbered-${(names += 1)}` as ServiceName,
    environment: serviceEnvironment.environment,
    title: 'down',
    severity: 'critical',
    by: 'person:ada',
    trace: TRACE,
  });
  return id;
};

const numberOf = async (id: IncidentId): Promise<number> => (await record(id)).number ?? expect.unreachable();

inTheTable(() => {
  test('incidents get the next number, however they open, and are found by it', async () => {
    const first = await numberOf(await opened());
    const declared = await declare(process());
    const parent = await new IncidentGroupTable(stores.table, stores.clock).openParent(
      `grouped-${serviceEnvironment.service}` as EnvironmentName,
      { because: 'many', name: '', text: 'many' },
      'many at once',
      TRACE,
    );
    expect([await numberOf(declared), await numberOf(parent)]).toEqual([first + 1, first + 2]);
    expect(await stores.incidents.withNumber(first + 1)).toBe(declared);
    expect(await stores.incidents.view(parent)).toMatchObject({ number: first + 2 });
    expect(await stores.incidents.withNumber(first + 1000)).toBeUndefined();
  });

  test('an alert that joins or repeats takes no number', async () => {
    const first = await numberOf(await opened());
    await stores.incidents.admit([], { at: stores.clock.now(), trace: TRACE });
    await expect(opened(here({ fingerprint: 'second' }))).rejects.toThrow('no incident was opened');
    await expect(opened()).rejects.toThrow('no incident was opened');
    expect(await numberOf(await declare(process()))).toBe(first + 1);
  });

  test('no two incidents share a number, however many processes open them at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 8 }), async (processes) => {
        const all = await Promise.all(
          processes.flatMap((count) => {
            const incidents = process();
            return Array.from({ length: count }, () => declare(incidents));
          }),
        );
        const numbers = await Promise.all(all.map(numberOf));
        expect(new Set(numbers).size).toBe(all.length);
        expect(await Promise.all(numbers.map((number) => stores.incidents.withNumber(number)))).toEqual(all);
      }),
      { numRuns: runs(10) },
    );
  });

  test('an incident that was stored before numbers existed is shown without one', async () => {
    const id = await declare(process());
    await stores.table.update({ pk: `INC#${id}`, sk: 'META' }, { remove: ['number'] });
    expect(await stores.incidents.view(id)).toMatchObject({ id, number: null });
    expect(await record(id)).not.toHaveProperty('number');
  });

  test('a number is taken by one transaction only, even if two have read the same state', async () => {
    const before = await numberOf(await declare(process()));
    const write = stores.table.transact.bind(stores.table);
    let others = 2;
    let release: () => void = () => undefined;
    const both = new Promise<void>((resolve) => (release = resolve));
    const transact = vi.spyOn(stores.table, 'transact').mockImplementation(async (writes) => {
      if ((others -= 1) === 0) release();
      await both; // each has read the numbers before one of them writes
      return write(writes);
    });
    const all = await Promise.all([process(), process()].map(declare));
    expect(transact.mock.calls.length).toBe(3);
    transact.mockRestore();
    const numbers = await Promise.all(all.map(numberOf));
    expect(Math.min(...numbers)).toBe(before + 1);
    expect(new Set(numbers).size).toBe(2);
  });
});
