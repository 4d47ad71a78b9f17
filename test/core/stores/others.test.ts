import { QuarantineTable } from '../../../core/stores/alerts/quarantine.ts';
import { QuarantineFull } from '../../../core/domain/alerts/quarantine.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { sha256 } from '../../../core/stores/hash.ts';
import { keys as tableKeys } from '../../../core/stores/keys.ts';
import { BadCursor } from '../../../core/stores/cursors.ts';
import { put, remove } from '../../../platforms/store.ts';
import { alertKeyOf } from '../../../core/domain/alerts/admission.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import { IdempotencyTable } from '../../../core/stores/idempotency.ts';
import type { IdempotencyKey } from '../../../core/domain/ports/system.ts';
import { decide } from '../../../core/domain/rollback/rollback.ts';
import { untouchedAutomation } from '../../../schemas/access/access.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { change, clear } from '../arbitraries.ts';
import { arrivals, signal } from '../../support/signals.ts';
import { openTable, type TableStores } from './stores.ts';

let stores: TableStores;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());

const later = (seconds: number): void => stores.clock.set(stores.clock.millis + seconds * 1000);
const admit = (...signals: Signal[]) =>
  stores.incidents.admit(arrivals(signals), { at: stores.clock.now(), trace: '' });

test('the kill switch is off by default', async () => {
  expect(await stores.automation.read()).toEqual(untouchedAutomation);
});

test('an alert stored under the former key ends, and ends its incident', async () => {
  const one = signal({ service: 'former' as ServiceName, fingerprint: 'former' });
  const [id = '' as IncidentId] = (await admit(one)).opened;
  const { table } = stores;
  const stored = await table.get(tableKeys.alert(sha256(alertKeyOf(one))));
  const former = tableKeys.alert(sha256(`${one.source}:${one.fingerprint}`));
  await table.transact([put({ ...stored, ...former }), remove(tableKeys.alert(sha256(alertKeyOf(one))))]);
  expect(await stores.incidents.firingEpisodes(id)).toHaveLength(1);
  expect((await admit(one)).counts).toMatchObject({ known: 1 });
  await admit({ ...one, status: 'resolved', endsAt: stores.clock.now() });
  expect(await stores.incidents.read(id)).toMatchObject({ firing: 0, signal_count: 1 });
  expect((await admit(one)).counts).toMatchObject({ known: 1 });
});

describe('the live version', () => {
  const serviceEnvironment = (service: string): ServiceEnvironment => ({
    service: service as ServiceName,
    environment: 'production' as EnvironmentName,
  });
  const deploy = (service: string, version: string, secondsAgo: number, more: object = {}) =>
    stores.changes.record(
      NewChange.parse({
        ...serviceEnvironment(service),
        version,
        started_at: plusSeconds(stores.clock.now(), -secondsAgo),
        ...more,
      }),
    );
  const live = async (service: string) => (await stores.changes.live()).find((one) => one.service === service)?.version;

  test('is the newest successful one, however late an older one is recorded', async () => {
    await deploy('a', 'v2', 100);
    await deploy('a', 'v1', 500);
    expect(await live('a')).toBe('v2');
  });

  test('is not one in progress until it succeeds', async () => {
    await deploy('b', 'v1', 500);
    const { change: rolling } = await deploy('b', 'v2', 100, { status: 'started' });
    expect(await live('b')).toBe('v1');
    await stores.changes.patch(rolling.id, { status: 'succeeded' });
    expect(await live('b')).toBe('v2');
  });

  test('is neither a failed one nor a flag', async () => {
    await deploy('c', 'v1', 500);
    await deploy('c', 'v2', 100, { status: 'failed' });
    await deploy('c', 'dark-mode', 50, { kind: 'flag' });
    expect(await live('c')).toBe('v1');
  });

  test('is the previous one when a successful one turns out to have failed', async () => {
    await deploy('d', 'v1', 500);
    const { change: wrong } = await deploy('d', 'v2', 100);
    expect(await live('d')).toBe('v2');
    await stores.changes.patch(wrong.id, { status: 'failed' });
    expect(await live('d')).toBe('v1');
    const { change: only } = await deploy('e', 'v1', 100);
    await stores.changes.patch(only.id, { status: 'cancelled' });
    expect(await live('e')).toBeUndefined();
  });

  test('is separate for names with any characters', async () => {
    const names = ['x#y', 'x', '#', '%23', 'ü', '日'.repeat(200), '日'.repeat(201)];
    for (const name of names) await deploy(name, 'v1', 10);
    for (const name of names)
      expect(await stores.changes.recent(serviceEnvironment(name), 9)).toMatchObject([{ service: name }]);
  });

  test('lists contain all services and environments, newest first, page by page', async () => {
    const versions: string[] = [];
    for (let number = 0; number < 7; number += 1) {
      versions.unshift(`v${number}`);
      await deploy('paged', `v${number}`, 100 - number);
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await stores.changes.list({
        service: 'paged' as ServiceName,
        limit: 3,
        ...(cursor === undefined ? {} : { cursor }),
      });
      seen.push(...page.items.map(({ version }) => version));
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual(versions);
    const here = await stores.changes.list({ ...serviceEnvironment('paged'), limit: 2 });
    expect(here.items.map(({ version }) => version)).toEqual(versions.slice(0, 2));
  });

  test('a cursor of another list, or an invalid one, is refused', async () => {
    const { next_cursor: cursor } = await stores.changes.list({ ...serviceEnvironment('paged'), limit: 2 });
    expect(cursor).not.toBeNull();
    await expect(stores.changes.list({ ...serviceEnvironment('a'), limit: 2, cursor: cursor ?? '' })).rejects.toThrow(
      BadCursor,
    );
    await expect(stores.incidents.list({ limit: 2, cursor: cursor ?? '' })).rejects.toThrow(BadCursor);
    await expect(stores.changes.list({ limit: 2, cursor: 'bm90IG91cnM' })).rejects.toThrow(BadCursor);
  });
});

describe('incidents', () => {
  test('are listed newest first, including resolved ones, by status and service', async () => {
    const ids: IncidentId[] = [];
    for (const service of ['l1', 'l2', 'l3'] as ServiceName[]) {
      const [id] = (await admit(signal({ service, fingerprint: service }))).opened;
      if (id) ids.unshift(id);
      later(1);
    }
    await stores.incidents.resolve(ids[1] as IncidentId, 0, 'ada', '');
    const listed = async (query: object) =>
      (await stores.incidents.list({ limit: 50, ...query })).items.map(({ id }) => id).filter((id) => ids.includes(id));
    expect(await listed({})).toEqual(ids);
    expect(await listed({ status: 'resolved' })).toEqual([ids[1]]);
    expect(await listed({ service: 'l3' })).toEqual([ids[0]]);
    expect((await stores.incidents.open()).map(({ id }) => id)).toEqual(expect.arrayContaining([ids[0], ids[2]]));
    expect((await stores.incidents.open()).map(({ id }) => id)).not.toContain(ids[1]);
  });

  test('contain their decisions and effects', async () => {
    const shown = signal({ service: 'shown' as ServiceName, fingerprint: 'shown' });
    const [id = '' as IncidentId] = (await admit(shown)).opened;
    const inputs = clear();
    const decision = await stores.decisions.keep(id, 1, decide(inputs), inputs);
    const page = { key: 'p', kind: 'page', target: 'pagerduty', class: 'keyed', detail: 'Page 1' } as const;
    const effect = await stores.effects.intend(id, page, { page: 1 });
    expect(await stores.incidents.view(id)).toMatchObject({
      id,
      status: 'open',
      parent_id: null,
      channel: null,
      roles: {},
      decisions: [decision],
      effects: [effect],
      suspects: [{ version: 'v2' }],
    });
    expect(await stores.incidents.view('01TESTNOSUCH00000000000000' as IncidentId)).toBeUndefined();
  });

  test('pages of signals contain each signal once', async () => {
    const many = Array.from({ length: 30 }, (_, n) =>
      signal({ service: 'many' as ServiceName, fingerprint: `many/${n}` }),
    );
    const [id = '' as IncidentId] = (await admit(...many)).opened;
    const first = await stores.incidents.signals(id, { limit: 20 });
    const second = await stores.incidents.signals(id, { limit: 20, cursor: first.next_cursor ?? '' });
    const all = [...first.items, ...second.items].map(({ fingerprint }) => fingerprint);
    expect([all.length, new Set(all).size, second.next_cursor]).toEqual([30, 30, null]);
  });
});

test('inputs of a decision can be larger than an item', async () => {
  const large = signal({ service: 'large' as ServiceName, fingerprint: 'large' });
  const [id = '' as IncidentId] = (await admit(large)).opened;
  const inputs = clear({ changes: [change('v1', 240, { url: 'x'.repeat(500_000) }), change('v2', 8)] });
  await stores.decisions.keep(id, 1, decide(inputs), inputs);
  expect(await stores.decisions.inputs(id, 1)).toEqual(inputs);
});

describe('quarantine', () => {
  const input = (body: string, more: object = {}) => ({
    source: 'alertmanager',
    sender: 'alertmanager:ingest' as string | null,
    receiver: '/v1/alerts/alertmanager',
    body: Buffer.from(body),
    contentType: 'application/json',
    status: 422,
    detail: 'version is "5"',
    ...more,
  });

  test('stores a complete body, and counts repeats', async () => {
    const id = await stores.quarantine.keep(input('{"a":"ü"}'));
    later(60);
    expect(await stores.quarantine.keep(input('{"a":"ü"}'))).toBe(id);
    const quarantined = await stores.quarantine.get(id);
    expect(Buffer.from(quarantined?.body ?? []).toString()).toBe('{"a":"ü"}');
    expect(quarantined).toMatchObject({
      id,
      source: 'alertmanager',
      receiver: '/v1/alerts/alertmanager',
      status: 422,
      count: 2,
      bytes: 10,
      content_type: 'application/json',
      first_seen_at: plusSeconds(stores.clock.now(), -60),
      last_seen_at: stores.clock.now(),
      replayed_at: null,
    });
  });

  test.each([
    ['alertmanager', null, null],
    ['queue', null, null],
    ['queue', 422, null], // stored by an earlier version, which answered nobody
    ['people', 422, null],
  ])('knows that nobody was answered: %s, %j', async (source, status, expected) => {
    const id = await stores.quarantine.keep(input(`unanswered ${source} ${status}`, { source, status, sender: null }));
    expect(await stores.quarantine.get(id)).toMatchObject({ status: expected });
  });

  describe('with a quota', () => {
    const limited = () =>
      new QuarantineTable(stores.table, stores.blobs, stores.clock, {
        day: { entries: 5, bytes: 100 },
        sender: { entries: 2, bytes: 40 },
      });
    const of = (sender: string | null, body: string) => limited().keep(input(body, { sender }));
    beforeEach(() => later(24 * 3600)); // another day

    test('keeps the first inputs of each sender and in total, and repeats of stored ones', async () => {
      const first = await of('a', 'a1');
      await of('a', 'a2');
      await expect(of('a', 'a3')).rejects.toThrow(QuarantineFull);
      expect(await of('a', 'a1')).toBe(first);
      for (const body of ['b1', 'b2']) await of('b', body);
      await of('c', 'c1');
      await expect(of('c', 'c2')).rejects.toThrow(QuarantineFull);
      await of(null, 'what was taken before');
      expect(await stores.quarantine.get(first)).toMatchObject({ count: 2 });
      later(24 * 3600);
      await of('a', 'a3');
    });

    test('counts bytes, and stores no refused body', async () => {
      await of('a', 'x'.repeat(30));
      const stored = vi.spyOn(stores.blobs, 'put');
      onTestFinished(() => stored.mockRestore());
      await expect(of('a', 'y'.repeat(11))).rejects.toThrow(QuarantineFull);
      expect(stored).not.toHaveBeenCalled();
      await of('a', 'y'.repeat(10));
    });

    test('holds with concurrent senders', async () => {
      const all = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => of(`s${n % 5}`, `body ${n}`)));
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    });
  });

  test('counts without reading stored inputs', async () => {
    for (let n = 0; n < 30; n += 1) await stores.quarantine.keep(input(`one of many: ${n}`));
    const count = await stores.quarantine.count();
    stores.reads();
    expect(await stores.quarantine.count()).toBe(count);
    expect(stores.reads().items).toBeLessThan(20);
  });

  test('deletes an input after 90 days, and stores it again when it returns', async () => {
    const before = await stores.quarantine.count();
    const id = await stores.quarantine.keep(input('an old one'));
    later(90 * 24 * 3600 + 1);
    expect(await stores.quarantine.get(id)).toBeUndefined();
    expect((await stores.quarantine.list({ limit: 500 })).items.map((one) => one.id)).not.toContain(id);
    later(2 * 24 * 3600);
    expect(await stores.quarantine.count()).toBe(0);
    expect(before).toBeGreaterThan(0);
    expect(await stores.quarantine.keep(input('an old one'))).toBe(id);
    expect(await stores.quarantine.get(id)).toMatchObject({ count: 1, first_seen_at: stores.clock.now() });
  });

  test('separates bodies of two receivers', async () => {
    const ids = await Promise.all([
      stores.quarantine.keep(input('x')),
      stores.quarantine.keep(input('x', { receiver: '/api/v1/rollback' })),
    ]);
    expect(new Set(ids).size).toBe(2);
  });

  test('keeps a replayed input, but does not count it until it returns', async () => {
    const before = await stores.quarantine.count();
    const id = await stores.quarantine.keep(input('to be replayed'));
    expect(await stores.quarantine.count()).toBe(before + 1);
    await stores.quarantine.replayed(id, 'ada');
    expect(await stores.quarantine.count()).toBe(before);
    expect(await stores.quarantine.get(id)).toMatchObject({ replayed_at: stores.clock.now() });
    await stores.quarantine.keep(input('to be replayed'));
    expect(await stores.quarantine.count()).toBe(before + 1);
  });

  test('lists newest first, page by page, and knows no other inputs', async () => {
    const ids: string[] = [];
    for (const body of ['p1', 'p2', 'p3']) {
      later(1);
      ids.unshift(await stores.quarantine.keep(input(body)));
    }
    const first = await stores.quarantine.list({ limit: 2 });
    expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const second = await stores.quarantine.list({ limit: 2, cursor: first.next_cursor ?? '' });
    expect(second.items[0]?.id).toBe(ids[2]);
    await expect(stores.quarantine.list({ limit: 2, cursor: 'nonsense' })).rejects.toThrow(BadCursor);
    expect(await stores.quarantine.get('q_nothing')).toBeUndefined();
  });
});

describe('responses by idempotency key', () => {
  const MINE = { kind: 'mine', first: { at: expect.any(String), nonce: expect.any(String) } };
  let keys = 0;
  const aKey = (): IdempotencyKey => ({ principal: 'ci', route: 'POST /v1/deployments', key: `k-${(keys += 1)}` });

  test('the first caller continues, others wait, and then get its response', async () => {
    const key = aKey();
    expect(await stores.idempotency.begin(key, 'hash')).toEqual(MINE);
    expect(await stores.idempotency.begin(key, 'hash')).toEqual({ kind: 'running' });
    await stores.idempotency.end(key, { status: 201, body: '{"id":1}' });
    expect(await stores.idempotency.begin(key, 'hash')).toEqual({ kind: 'done', status: 201, body: '{"id":1}' });
  });

  test('of concurrent callers one continues', async () => {
    const key = aKey();
    const begun = await Promise.all(Array.from({ length: 10 }, () => stores.idempotency.begin(key, 'hash')));
    expect(begun.filter(({ kind }) => kind === 'mine')).toHaveLength(1);
  });

  test('a different body with the same key is reported', async () => {
    const key = aKey();
    await stores.idempotency.begin(key, 'hash');
    expect(await stores.idempotency.begin(key, 'other')).toEqual({ kind: 'other_body' });
  });

  test('keys of another caller or another route are independent', async () => {
    const key = aKey();
    await stores.idempotency.begin(key, 'hash');
    expect(await stores.idempotency.begin({ ...key, principal: 'ops' }, 'hash')).toEqual(MINE);
    expect(await stores.idempotency.begin({ ...key, route: 'POST /v1/incidents' }, 'hash')).toEqual(MINE);
  });

  test('a failed request is forgotten', async () => {
    const key = aKey();
    await stores.idempotency.begin(key, 'hash');
    await stores.idempotency.end(key, 'forget');
    expect(await stores.idempotency.begin(key, 'hash')).toEqual(MINE);
  });

  test('a caller that died without a response blocks others for a minute at most', async () => {
    const key = aKey();
    await stores.idempotency.begin(key, 'hash');
    later(61);
    expect(await stores.idempotency.begin(key, 'other')).toEqual({ kind: 'other_body' });
    expect(await stores.idempotency.begin(key, 'hash')).toEqual(MINE);
  });

  test('where only one process runs, a request of an earlier one blocks nobody, and goes to one of its repeats', async () => {
    const [before, after] = [1, 2].map(
      () => new IdempotencyTable(stores.table, stores.clock, { isOnlyInstance: true }),
    ) as [IdempotencyTable, IdempotencyTable];
    const key = aKey();
    const first = await before.begin(key, 'hash');
    expect(await before.begin(key, 'hash')).toEqual({ kind: 'running' });
    const begun = await Promise.all(Array.from({ length: 5 }, () => after.begin(key, 'hash')));
    expect(begun.filter(({ kind }) => kind === 'mine')).toEqual([first]);
    expect(await after.begin(key, 'hash')).toEqual({ kind: 'running' });
    await after.end(key, { status: 201, body: '{}' });
    expect(await after.begin(key, 'hash')).toEqual({ kind: 'done', status: 201, body: '{}' });
  });

  test('a request that runs again is about the first one; after a day, it is a new one', async () => {
    const key = aKey();
    const first = await stores.idempotency.begin(key, 'hash');
    later(61);
    expect(await stores.idempotency.begin(key, 'hash')).toEqual(first);
    await stores.idempotency.end(key, 'again');
    expect(await stores.idempotency.begin(key, 'other')).toEqual({ kind: 'other_body' });
    const begun = await Promise.all(Array.from({ length: 5 }, () => stores.idempotency.begin(key, 'hash')));
    expect(begun.filter(({ kind }) => kind === 'mine')).toEqual([first]);
    later(24 * 3600 + 1);
    const next = await stores.idempotency.begin(key, 'hash');
    expect(next).toEqual(MINE);
    expect(next).not.toEqual(first);
  });

  test('a response is valid for a day, even if it is still in the table', async () => {
    const key = aKey();
    await stores.idempotency.begin(key, 'hash');
    await stores.idempotency.end(key, { status: 200, body: '' });
    later(24 * 3600 + 1);
    expect(await stores.idempotency.begin(key, 'other')).toEqual(MINE);
  });
});

describe('tokens', () => {
  const grant = {
    name: 'ci',
    actions: ['deployments:write'] as const,
    sources: null,
    services: ['checkout'],
    environments: null,
    expires_at: null,
  };
  const create = () => stores.tokens.create({ ...grant, actions: [...grant.actions] }, 'person:ada');

  test('are found by the hash of their secret, which is not stored', async () => {
    const { record, secret } = await create();
    expect(secret).toMatch(/^fb_[\w-]{43}$/);
    expect(await stores.tokens.find(sha256(secret))).toEqual(record);
    expect(record).toMatchObject({ ...grant, created_by: 'person:ada', created_at: stores.clock.now() });
    for await (const kept of stores.table.each('TOKENS')) expect(JSON.stringify(kept)).not.toContain(secret);
    expect(await stores.tokens.find(sha256('fb_nobody'))).toBeUndefined();
  });

  const adminToken = 'an-admin-token-of-some-length';
  const secretsSet = (set: Record<string, string>) => {
    for (const name of Object.keys(stores.secrets)) delete stores.secrets[name];
    Object.assign(stores.secrets, set);
  };

  test('that were written directly into the table are refused and reported', async () => {
    const { table } = stores;
    const forged = { ...grant, name: 'mallory', actions: ['*'], id: 'tok_forged', created_by: 'admin' };
    const item = { ...forged, created_at: stores.clock.now() };
    const hash = sha256('fb_forged');
    await table.transact([put({ ...tableKeys.token(hash), ...item })]);
    expect(await stores.tokens.find(hash)).toBeUndefined();
    // A code of another token is not accepted.
    const { record, secret } = await create();
    const own = await table.get(tableKeys.token(sha256(secret)));
    await table.transact([put({ ...own, ...tableKeys.token(hash) })]);
    expect(await stores.tokens.find(hash)).toBeUndefined();
    await table.transact([put({ ...own, actions: ['*'] })]);
    expect(await stores.tokens.find(sha256(secret))).toBeUndefined();
    await table.transact([put({ ...tableKeys.token(hash), name: 'unreadable' })]);
    expect(await stores.tokens.find(hash)).toBeUndefined();
    await table.transact([put({ ...tableKeys.tokenById('tok_forged'), ...item, hash })]);
    const { refused, used } = await stores.tokens.check();
    expect(refused).toEqual([{ id: 'tok_forged', name: 'mallory' }]);
    expect(used.map(({ name }) => name).toSorted()).toEqual(['ci', 'unreadable']);
    for (const id of [record.id, 'tok_forged']) await stores.tokens.revoke(id, 'person:bo');
  });

  test('stay valid when the admin token of their code is replaced, as long as the previous one is known', async () => {
    onTestFinished(() => secretsSet({ FIREBREAK_ADMIN_TOKEN: adminToken }));
    const [used, unused] = [await create(), await create()];
    const find = ({ secret }: { secret: string }) => stores.tokens.find(sha256(secret));
    secretsSet({ FIREBREAK_ADMIN_TOKEN: 'another-admin-token-of-some-length' });
    expect(await find(used)).toBeUndefined();
    secretsSet({ ...stores.secrets, FIREBREAK_ADMIN_TOKEN_PREVIOUS: adminToken });
    const previous = async () => (await stores.tokens.check()).previous.map(({ id }) => id);
    expect(await previous()).toEqual(expect.arrayContaining([used.record.id, unused.record.id]));
    expect(await find(used)).toEqual(used.record);
    expect(await previous()).toContain(unused.record.id);
    expect(await previous()).not.toContain(used.record.id);
    secretsSet({ FIREBREAK_ADMIN_TOKEN: 'another-admin-token-of-some-length' });
    expect(await find(used)).toEqual(used.record);
    expect(await find(unused)).toBeUndefined();
  });

  test('cannot be created without a secret for their authentication', async () => {
    onTestFinished(() => secretsSet({ FIREBREAK_ADMIN_TOKEN: adminToken }));
    secretsSet({});
    await expect(create()).rejects.toThrow('FIREBREAK_ADMIN_TOKEN is not set');
  });

  test('that were revoked and are back in the table are reported', async () => {
    const { record, secret } = await create();
    const key = tableKeys.token(sha256(secret));
    const own = await stores.table.get(key);
    await stores.tokens.revoke(record.id, 'person:bo');
    await stores.table.transact([put({ ...own, ...key })]);
    expect((await stores.tokens.check()).refused).toContainEqual({ id: record.id, name: 'ci' });
    await stores.table.transact([remove(key)]);
    expect((await stores.tokens.check()).refused).not.toContainEqual({ id: record.id, name: 'ci' });
  });

  test('are listed newest first, and revoked ones are invalid at once, which the list shows', async () => {
    later(1);
    const { record, secret } = await create();
    expect((await stores.tokens.list({ limit: 1 })).items).toEqual([record]);
    expect(await stores.tokens.revoke(record.id, 'person:bo')).toBe(true);
    expect(await stores.tokens.find(sha256(secret))).toBeUndefined();
    const revoked = { revoked_at: stores.clock.now(), revoked_by: 'person:bo' };
    expect((await stores.tokens.list({ limit: 1 })).items).toEqual([{ ...record, ...revoked }]);
    expect((await stores.tokens.check()).refused.map(({ id }) => id)).not.toContain(record.id);
    expect(await stores.tokens.revoke(record.id, 'person:bo')).toBe(false);
  });

  const named = (name: string, more: object = {}) =>
    stores.tokens.create({ ...grant, name, actions: ['freezes:override'], ...more }, 'person:ada');

  test('that can approve have unique names, which are free again when the token ends', async () => {
    const { record } = await named('grace');
    for (const same of ['grace', 'Grace', ' gr\u200bace ', 'ｇｒａｃｅ'])
      await expect(named(same)).rejects.toThrow(`the token ${record.id}`);
    // A token that only sends cannot take the name either.
    await expect(named('grace', { actions: ['alerts:write'] })).rejects.toThrow(record.id);
    await stores.tokens.revoke(record.id, 'person:bo');
    const { record: second } = await named('grace', { expires_at: plusSeconds(stores.clock.now(), 1) });
    await expect(named('grace')).rejects.toThrow(second.id);
    later(2);
    const { record: third } = await named('grace');
    await expect(named('grace')).rejects.toThrow(third.id);
  });

  test('of two concurrent requests for a name one succeeds', async () => {
    const found = await Promise.allSettled(Array.from({ length: 5 }, () => named('heidi')));
    expect(found.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('that only send need no unique name: a new one replaces an old one', async () => {
    expect((await create()).record.name).toBe((await create()).record.name);
  });

  test('concurrent requests with the same token share one read, and the next one reads again', async () => {
    const { record, secret } = await create();
    const getAll = vi.spyOn(stores.table, 'getAll');
    onTestFinished(() => getAll.mockRestore());
    const found = await Promise.all(Array.from({ length: 50 }, () => stores.tokens.find(sha256(secret))));
    expect(found).toEqual(Array.from({ length: 50 }, () => record));
    expect(getAll).toHaveBeenCalledTimes(1);
    await stores.tokens.find(sha256(secret));
    expect(getAll).toHaveBeenCalledTimes(2);
  });
});
