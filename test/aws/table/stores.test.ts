import { afterAll, beforeAll } from 'vitest';
import {
  FakeAutomation,
  FakeChanges,
  FakeCrowds,
  FakeDecisions,
  FakeEffects,
  FakeIncidents,
  FakePins,
  FakeStore,
} from '../../support/fake-store.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { storesKeepTheirPromises } from './contract.ts';
import { openTable, type TableStores } from './stores.ts';

let table: TableStores;

beforeAll(async () => {
  table = await openTable();
});
afterAll(() => table.close());

storesKeepTheirPromises('the table', () => table);

storesKeepTheirPromises('the likeness in memory', () => {
  const clock = new SetClock('2026-11-20T12:00:00.000Z');
  const store = new FakeStore(clock);
  return {
    clock,
    incidents: new FakeIncidents(store),
    incidentGroups: new FakeCrowds(store),
    decisions: new FakeDecisions(store),
    effects: new FakeEffects(store),
    changes: new FakeChanges(store),
    pins: new FakePins(store),
    automation: new FakeAutomation(store),
  };
});
