import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { SessionTable } from '../../../../aws/table/access/sessions.ts';
import { keys, logWaitingShards } from '../../../../aws/table/core/keys.ts';
import { sha256 } from '../../../../aws/hash.ts';
import type { Session } from '../../../../schemas/access/session.ts';
import { millisOf, plusSeconds } from '../../../../schemas/time/time.ts';
import { openTable, type TableStores } from '../stores.ts';

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
  await stores.table.transact([stores.table.put({ ...link, ...keys.session(hash) })]);
  expect(await sessions.find(hash)).toBeUndefined();
});

const CHANGES: [string, string][] = [
  ['name', 'linus'],
  ['credential', 'admin'],
  ['until', '2099-01-01T00:00:00.000Z'],
];

test.each(CHANGES)('a record whose %s was changed by another writer is refused', async (field, value) => {
  const hash = await begun();
  await stores.table.touch(keys.session(hash), {
    UpdateExpression: 'SET #field = :value',
    ExpressionAttributeNames: { '#field': field },
    ExpressionAttributeValues: { ':value': value },
  });
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
