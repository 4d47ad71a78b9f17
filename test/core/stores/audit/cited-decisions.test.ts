import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { citing } from '../../../../core/stores/audit/cited-decisions.ts';
import { keys } from '../../../../core/stores/keys.ts';
import { type Item, put, remove, type Store, type Update } from '../../../../platforms/store.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { silent } from '../../../support/fake-deps.ts';
import { openTable, type TableStores } from '../../stores/stores.ts';

const INCIDENT = keys.incident('01JCYZ7Q8M3N5P7R9T1V3X5Z70' as IncidentId);
const idOf = (n: number): string => `frd_${String(n).padStart(32, '0')}`;

let stores: TableStores;
let store: Store;
let said: object[];

beforeEach(async () => {
  stores = await openTable();
  said = [];
  const note = (message: string, fields?: object) => void said.push({ message, ...fields });
  store = citing(stores.store, { ...silent, warn: note, error: note });
  for (let n = 0; n < 30; n += 1)
    await stores.table.transact([put({ ...keys.freezeDecision(idOf(n)), record: '{}', count: 1 })]);
});
afterEach(() => stores.close());

const storePart = (more: Item) => store.write([put({ ...INCIDENT, sk: 'TL#1', ...more })]);
const update = (changes: Update) => store.update(INCIDENT, changes);

/** The numbers of the decisions that are marked. */
async function cited(): Promise<number[]> {
  const items = await stores.table.getAll(Array.from({ length: 30 }, (_, n) => keys.freezeDecision(idOf(n))));
  return items.flatMap((item, n) => (item?.['cited'] === true ? [n] : []));
}

test.each<[string, () => Promise<unknown>]>([
  [
    'an entry of the timeline',
    () => storePart({ text: `(${idOf(3)})`, detail: { all: [`${idOf(5)},${idOf(3)}`, null] } }),
  ],
  ['a change of the incident', () => update({ set: { title: idOf(3), more: [idOf(5)] } })],
  ['a change of a map in it', () => update({ setIn: [{ field: ['a', 'b'], value: `${idOf(3)}${idOf(5)}` }] })],
])('decisions that %s names are marked', async (_, write) => {
  await stores.table.transact([put({ ...INCIDENT, a: {} })]);
  await write();
  expect(await cited()).toEqual([3, 5]);
});

test('nothing is marked or created for what others store, or for decisions that are unknown or without inputs', async () => {
  await store.write([put({ ...keys.freezeDecision('frd_other'), record: idOf(3) }), remove(INCIDENT)]);
  await stores.table.update(keys.freezeDecision(idOf(4)), { set: { removed_at: 'now' }, remove: ['record'] });
  await storePart({ text: `${idOf(99)} ${idOf(4)} frd_12 frd_` });
  expect(await cited()).toEqual([]);
  expect(await stores.table.get(keys.freezeDecision(idOf(99)))).toBeUndefined();
});

test('what names no decision is written before anything else runs, which can stall the process', async () => {
  const [write, change] = [vi.spyOn(stores.store, 'write'), vi.spyOn(stores.store, 'update')];
  const both = [storePart({ text: 'fine' }), update({ set: { title: 'fine' } })];
  expect([write, change].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
  await Promise.all(both);
});

test('a text without a decision costs no call, nor does one that is cited already', async () => {
  const [read, mark] = [vi.spyOn(stores.store, 'getMany'), vi.spyOn(stores.store, 'update')];
  await storePart({ text: 'fine' });
  expect(read).not.toHaveBeenCalled();
  await storePart({ text: idOf(3) });
  await storePart({ text: idOf(3) });
  expect(mark).toHaveBeenCalledTimes(1);
  expect(read).toHaveBeenCalledTimes(1);
});

test('the first twenty are marked, before the text is stored', async () => {
  const write = vi.spyOn(stores.store, 'write').mockRejectedValueOnce(new Error('killed'));
  await expect(storePart({ text: Array.from({ length: 30 }, (_, n) => idOf(n)).join(' ') })).rejects.toThrow('killed');
  write.mockRestore();
  expect(await cited()).toHaveLength(20);
  expect(said).toEqual([expect.objectContaining({ named: 30, marked: 20 })]);
});

test('invented ones do not count', async () => {
  await storePart({ text: Array.from({ length: 61 }, (_, n) => idOf(n < 60 ? 100 + n : 3)).join(' ') });
  expect(await cited()).toContain(3);
  expect(said).toEqual([]);
});

test('a decision that cannot be read does not prevent what cites it', async () => {
  vi.spyOn(stores.store, 'getMany').mockRejectedValueOnce(new Error('damaged'));
  await storePart({ text: idOf(3) });
  expect(await stores.table.get({ ...INCIDENT, sk: 'TL#1' })).toMatchObject({ text: idOf(3) });
  expect(said).toEqual([expect.objectContaining({ error: 'Error: damaged' })]);
});
