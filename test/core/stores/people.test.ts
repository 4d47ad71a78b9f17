import { afterAll, beforeAll, expect, test } from 'vitest';
import { UserCacheTable } from '../../../core/stores/access/user-cache.ts';
import { ProcessedEventTable } from '../../../core/stores/messages/processed-events.ts';
import { openTable, type TableStores } from './stores.ts';

let stores: TableStores;
let processedEvents: ProcessedEventTable;
let userCache: UserCacheTable;

beforeAll(async () => {
  stores = await openTable();
  processedEvents = new ProcessedEventTable(stores.table, stores.clock);
  userCache = new UserCacheTable(stores.table, stores.clock);
});
afterAll(() => stores.close());

const later = (seconds: number): void => stores.clock.set(stores.clock.millis + seconds * 1000);

test('the first outcome of a message is kept until its response was sent', async () => {
  const key = `action:U1:${'x'.repeat(1000)}`;
  expect(await processedEvents.read(key)).toBeUndefined();
  await processedEvents.store(key, { answer: { summary: 'done' } });
  await processedEvents.store(key, { answer: null });
  expect(await processedEvents.read(key)).toEqual({ outcome: { answer: { summary: 'done' } }, delivered: false });
  await processedEvents.markDelivered(key);
  expect(await processedEvents.read(key)).toMatchObject({ outcome: { answer: { summary: 'done' } }, delivered: true });
});

test('users and groups of the chat are cached for a day', async () => {
  const user = { id: 'U1', team: 'T1', email: null, name: 'ada', kind: 'member' } as const;
  const at = stores.clock.now();
  await userCache.storeUser(user);
  await userCache.storeGroup('S1', ['U1', 'U2']);
  expect(await userCache.user('U1')).toEqual({ user, at });
  expect(await userCache.group('S1')).toEqual({ members: ['U1', 'U2'], at });
  expect(await userCache.group('U1')).toBeUndefined();
  later(24 * 3600 - 1);
  await userCache.storeGroup('S1', []);
  expect(await userCache.user('U1')).toBeDefined();
  later(2);
  expect(await userCache.user('U1')).toBeUndefined();
  expect(await userCache.group('S1')).toMatchObject({ members: [] });
});
