import { afterAll, beforeAll, expect, test } from 'vitest';
import { EffectTable } from '../../../core/stores/incidents/effects.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { arrivals, signal } from '../../support/signals.ts';
import { openTable, type TableStores } from './stores.ts';

let stores: TableStores;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());

const PAGE = { key: 'p', kind: 'page', target: 'pagerduty', class: 'keyed', detail: 'Page 1' } as const;

test('the outcome that several runs of a step record at once is on the timeline once', async () => {
  const [id = '' as IncidentId] = (
    await stores.incidents.admit(arrivals([signal({})]), { at: stores.clock.now(), trace: 'trace' })
  ).opened;
  await stores.effects.intend(id, PAGE);
  const runs = Array.from(
    { length: 5 },
    (_, n) => new EffectTable(stores.table, new SetClock(`2026-11-20T12:00:0${n}.000Z`)),
  );
  await Promise.all(runs.map((run) => run.conclude(id, 'p', 'succeeded', 'accepted')));
  const { items } = await stores.incidents.timeline(id, { limit: 10 });
  expect(items.map(({ kind }) => kind)).toEqual(['page.succeeded', 'incident.opened']);
  await stores.effects.conclude(id, 'p', 'superseded', 'taken back');
  expect(await stores.effects.get(id, 'p')).toMatchObject({ state: 'superseded', detail: 'taken back' });
});
