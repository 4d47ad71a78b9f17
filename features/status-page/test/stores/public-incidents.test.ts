import { afterAll, beforeAll, expect, test } from 'vitest';
import { PublicIncidentTable } from '../../stores/public-incidents.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { at, publicIncident } from '../support/public-incidents.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';

let stores: TableStores;
let incidents: PublicIncidentTable;

beforeAll(async () => {
  stores = await openTable();
  incidents = new PublicIncidentTable(stores.table, stores.clock);
});
afterAll(() => stores.close());

test('a public ID does not reveal the ID of the incident, and is always the same', () => {
  const id = incidents.idOf('01TEST00000000000000000001' as IncidentId);
  expect(id).toMatch(/^[0-9a-f]{12}$/);
  expect(incidents.idOf('01TEST00000000000000000001' as IncidentId)).toBe(id);
  expect(incidents.idOf('01TEST00000000000000000002' as IncidentId)).not.toBe(id);
});

test('an incident is read by its ID, by its month, and among open ones until it is resolved', async () => {
  const open = publicIncident({ id: 'open', started_at: at('2026-10-31T23:59:00Z'), resolved_at: null });
  const newer = publicIncident({ id: 'newer', started_at: at('2026-11-01T00:00:00Z'), resolved_at: null });
  await incidents.write(open, false);
  await incidents.write(newer, false);
  expect(await incidents.read('open')).toEqual(open);
  expect(await incidents.read('unknown')).toBeUndefined();
  expect(await incidents.open()).toEqual([newer, open]);
  expect(await incidents.startedIn('2026-10')).toEqual([open]);

  const ended = { ...open, resolved_at: at('2026-11-01T01:00:00Z') };
  await incidents.write(ended, false);
  expect(await incidents.open()).toEqual([newer]);
  expect(await incidents.startedIn('2026-10')).toEqual([ended]);
  expect(await incidents.startedIn('2026-11')).toEqual([newer]);
});

test('a component is watched since it was recorded first', async () => {
  await incidents.watch(['Checkout'], at('2026-11-01T00:00:00Z'));
  await incidents.watch(['Checkout'], at('2026-11-02T00:00:00Z'));
  expect(await incidents.watchedSince()).toEqual(new Map([['Checkout', at('2026-11-01T00:00:00Z')]]));
});

test('a month is read newest first', async () => {
  for (const day of ['02', '04', '03'])
    await incidents.write(publicIncident({ id: `day-${day}`, started_at: at(`2026-09-${day}T00:00:00Z`) }), false);
  expect((await incidents.startedIn('2026-09')).map(({ id }) => id)).toEqual(['day-04', 'day-03', 'day-02']);
});
