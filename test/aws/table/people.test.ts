import { afterAll, beforeAll, expect, test } from 'vitest';
import { AcquaintanceTable } from '../../../aws/table/access/user-cache.ts';
import { HearingTable } from '../../../aws/table/messages/processed-events.ts';
import { openTable, type TableStores } from './stores.ts';

let stores: TableStores;
let hearings: HearingTable;
let acquaintances: AcquaintanceTable;

beforeAll(async () => {
  stores = await openTable();
  hearings = new HearingTable(stores.table, stores.clock);
  acquaintances = new AcquaintanceTable(stores.table, stores.clock);
});
afterAll(() => stores.close());

const later = (seconds: number): void => stores.clock.set(stores.clock.millis + seconds * 1000);

test('the first outcome of a message is kept until its response was sent', async () => {
  const key = `action:U1:${'x'.repeat(1000)}`;
  expect(await hearings.read(key)).toBeUndefined();
  await hearings.did(key, { answer: { summary: 'done' } });
  await hearings.did(key, { answer: null });
  expect(await hearings.read(key)).toEqual({ outcome: { answer: { summary: 'done' } }, told: false });
  await hearings.told(key);
  expect(await hearings.read(key)).toMatchObject({ outcome: { answer: { summary: 'done' } }, told: true });
});

test('users and groups of the chat are cached for a day', async () => {
  const user = { id: 'U1', team: 'T1', email: null, name: 'ada', kind: 'member' } as const;
  const at = stores.clock.now();
  await acquaintances.keepUser(user);
  await acquaintances.keepGroup('S1', ['U1', 'U2']);
  expect(await acquaintances.user('U1')).toEqual({ user, at });
  expect(await acquaintances.group('S1')).toEqual({ members: ['U1', 'U2'], at });
  expect(await acquaintances.group('U1')).toBeUndefined();
  later(24 * 3600 - 1);
  await acquaintances.keepGroup('S1', []);
  expect(await acquaintances.user('U1')).toBeDefined();
  later(2);
  expect(await acquaintances.user('U1')).toBeUndefined();
  expect(await acquaintances.group('S1')).toMatchObject({ members: [] });
});
