import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { SessionTable } from '../../../../core/stores/access/sessions.ts';
import { keys, logWaitingShards } from '../../../../core/stores/keys.ts';
import { sha256 } from '../../../../core/stores/hash.ts';
import type { Session } from '../../../../schemas/access/session.ts';
import { millisOf, plusSeconds } from '../../../../schemas/time/time.ts';
import { openTable, type TableStores } from '../../stores/stores.ts';
import { put } from '../../../../platforms/store.ts';

let stores: TableStores;
let sessions: SessionTable;
let admin: string;
let made = 0;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());
beforeEach(() => {
  admin = 'the admin token';
  sessions = new SessionTable(stores.table, stores.clock, {
    get: async (name) => (name === 'FIREBREAK_ADMIN_TOKEN' ? admin : name === PREVIOUS ? 'the admin token' : undefined),
  });
});

const PREVIOUS = 'FIREBREAK_ADMIN_TOKEN_PREVIOUS';

const session = (name = 'ada'): Session => ({
  credential: sha256(`token of ${name}`),
  name,
  created_at: stores.clock.now(),
  until: plusSeconds(stores.clock.now(), 3600),
});

async function storedAt(hash: string): Promise<Session> {
  const stored = await sessions.find(hash);
  if (stored === undefined) throw new Error('no session');
  return stored;
}

async function begun(name?: string): Promise<string> {
  const hash = sha256(`session ${(made += 1)}`);
  await sessions.begin(hash, session(name));
  return hash;
}

test('a session is found until it ends', async () => {
  const [one, other] = [await begun(), await begun()];
  expect(await sessions.find(one)).toMatchObject({ name: 'ada' });
  await sessions.end(one);
  expect(await sessions.find(one)).toBeUndefined();
  expect(await sessions.find(other)).toMatchObject({ name: 'ada' });
});

test('a session expires, although DynamoDB deletes it later', async () => {
  const hash = await begun();
  stores.clock.set(millisOf(stores.clock.now()) + 3600_000);
  expect(await stores.table.get(keys.session(hash))).toBeDefined();
  expect(await sessions.find(hash)).toBeUndefined();
});

test('a session ends after 30 minutes without activity', async () => {
  const [idle, used] = [await begun(), await begun()];
  const later = (minutes: number) => stores.clock.set(millisOf(stores.clock.now()) + minutes * 60_000);
  later(20);
  await sessions.touch(used, await storedAt(used));
  later(10);
  expect(await sessions.find(idle)).toBeUndefined();
  expect(await sessions.find(used)).toMatchObject({ name: 'ada' });
  later(20);
  expect(await sessions.find(used)).toBeUndefined();
});

test('activity does not bring back a session that has ended', async () => {
  const hash = await begun();
  const stored = await storedAt(hash);
  await sessions.end(hash);
  await sessions.touch(hash, stored);
  expect(await stores.table.get(keys.session(hash))).toBeUndefined();
});

test('all sessions of a person end together, and those of others stay', async () => {
  const hers = [await begun('grace'), await begun('grace')];
  const his = await begun('linus');
  await sessions.endAll('grace');
  expect(await Promise.all(hers.map((hash) => sessions.find(hash)))).toEqual([undefined, undefined]);
  expect(await sessions.find(his)).toMatchObject({ name: 'linus' });
});

test('a login link works once, also if two people use it at the same moment', async () => {
  const hash = sha256('a link');
  await sessions.offerLink(hash, session('admin'));
  const used = await Promise.all([sessions.useLink(hash), sessions.useLink(hash)]);
  expect(used.filter((one) => one !== undefined)).toHaveLength(1);
  expect(await sessions.useLink(hash)).toBeUndefined();
});

test('a link is no session', async () => {
  const hash = sha256('another link');
  await sessions.offerLink(hash, session('admin'));
  const link = await stores.table.get(keys.loginLink(hash));
  await stores.table.transact([put({ ...link, ...keys.session(hash) })]);
  expect(await sessions.find(hash)).toBeUndefined();
});

const CHANGES: [string, string][] = [
  ['name', 'linus'],
  ['credential', 'admin'],
  ['until', '2099-01-01T00:00:00.000Z'],
  ['last_active', '2099-01-01T00:00:00.000Z'],
];

test.each(CHANGES)('a record whose %s was changed by another writer is refused', async (field, value) => {
  const hash = await begun();
  await stores.table.update(keys.session(hash), { set: { [field]: value } });
  expect(await sessions.find(hash)).toBeUndefined();
});

test('a new admin token ends all sessions, also while the previous one is still set', async () => {
  const hash = await begun();
  admin = 'a new admin token';
  expect(await sessions.find(hash)).toBeUndefined();
});

test('sign-ins and sign-outs are in the audit log once, without what would continue a session', async () => {
  const stored = async () => (await entriesWaiting()).filter(({ actor }) => actor === 'maria');
  const [one, other] = [await begun('maria'), await begun('maria')];
  await sessions.end(one);
  await sessions.end(one);
  await sessions.endAll('maria');
  const entries = await stored();
  expect(entries.map(({ kind, text }) => `${kind}: ${text}`).toSorted()).toEqual([
    'session.began: Signed in to the console',
    'session.began: Signed in to the console',
    'session.ended: Signed out of the console',
    'session.ended: Signed out of the console everywhere',
  ]);
  for (const hash of [one, other]) expect(JSON.stringify(entries)).not.toContain(hash);
});

/** Returns the entries that the sealer has not moved into the log yet. */
async function entriesWaiting(): Promise<{ actor: string; kind: string; text: string; detail: unknown }[]> {
  const found = [];
  for (const pk of logWaitingShards)
    for await (const item of stores.table.each(pk)) found.push(JSON.parse(String(item['entry'])));
  return found;
}
