import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { link, Seal, sealHash } from '../../../../core/stores/audit/audit-chain.ts';
import { HEAD_KEY } from '../../../../core/stores/audit/audit-head.ts';
import { auditWrite } from '../../../../core/stores/audit/audit-writes.ts';
import { AuditLogTable } from '../../../../core/stores/audit/audit-log.ts';
import { DECISION_KIND, recordOf, REMOVAL_KIND, storeRecord } from '../../../../core/stores/audit/decision-record.ts';
import { sha256 } from '../../../../core/stores/hash.ts';
import { type Key, keys } from '../../../../core/stores/keys.ts';
import { collect } from '../../../../core/stores/table.ts';
import { absent, type Item, put, remove } from '../../../../platforms/store.ts';
import type { AuditEntry } from '../../../../core/domain/ports/audit.ts';
import type { Clock, Log } from '../../../../core/domain/ports/system.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { sealSecrets, SetClock, silent } from '../../../support/fake-deps.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { openTable, type TableStores } from '../../stores/stores.ts';

let stores: TableStores;
let log: AuditLogTable;

beforeEach(async () => {
  stores = await openTable();
  log = newLog();
});
afterEach(() => stores.close());

const newLog = (own: Log = silent, clock: Clock = stores.clock, secrets = sealSecrets): AuditLogTable =>
  new AuditLogTable(stores.table, stores.blobs, clock, own, secrets);
const later = (seconds: number): void => stores.clock.set(stores.clock.millis + seconds * 1000);

const entry = (id: string | number, more: Partial<AuditEntry> = {}): AuditEntry => ({
  id: `e${id}`,
  at: stores.clock.now(),
  actor: 'ada',
  kind: 'test.happened',
  subject: 'checkout',
  text: `It happened: ${id}`,
  detail: { number: 1.5, nested: { b: [1, null], a: 'ü' } },
  ...more,
});

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

async function listed(limit = 100) {
  return (await log.list({ limit })).items;
}

/** Creates two sealed minutes with three entries each. */
async function twoSealedMinutes(): Promise<string> {
  const first = stores.clock.now();
  for (const n of numbers(6)) {
    await log.append([entry(n)]);
    later(n === 2 ? 60 : 1);
  }
  later(240);
  await log.seal();
  expect(await log.check()).toMatchObject({ intact: true, entries: 6 });
  return first.slice(0, 16);
}

/** Writes as an attacker with access to the table can. */
const forge = (item: Item): Promise<unknown> => stores.table.transact([put(item)]);
const erase = (key: Key): Promise<unknown> => stores.table.transact([remove(key)]);
const rowsOf = (minute: string): Promise<Item[]> => collect(stores.table.each(keys.logMinute(minute).pk), (row) => row);
const keyOf = (row: Item | undefined): Key => ({ pk: String(row?.['pk']), sk: String(row?.['sk']) });
const textOf = (row: Item | undefined): AuditEntry => JSON.parse(String(row?.['entry'])) as AuditEntry;

describe('entries', () => {
  test('are listed unchanged, newest first, and not sealed yet', async () => {
    const first = entry(1);
    await log.append([first]);
    later(1);
    const second = entry(2, { detail: {} });
    await log.append([second]);
    expect(await listed()).toEqual([
      { ...second, sealed: false, hash: null },
      { ...first, sealed: false, hash: null },
    ]);
  });

  test('are stored once, however often and whenever they are written', async () => {
    const once = entry(1);
    await Promise.all(numbers(5).map(() => newLog().append([once, once])));
    later(3600);
    await log.append([once, entry(2)]);
    expect((await listed()).map(({ id }) => id)).toEqual(['e2', 'e1']);
    later(240);
    await log.seal();
    expect(await log.check()).toMatchObject({ intact: true, entries: 2 });
  });

  test('of concurrent writers are all stored and counted', async () => {
    const logs = numbers(5).map(() => newLog());
    const write = (one: AuditLogTable, n: number) =>
      numbers(20).map((m) => one.append([entry(`a${n}.${m}`), entry(`b${n}.${m}`)]));
    await Promise.all(logs.flatMap(write));
    expect(await listed(500)).toHaveLength(200);
    later(240);
    await log.seal();
    expect(await log.check()).toMatchObject({ intact: true, entries: 200 });
  });

  test('can be more than a transaction holds', async () => {
    await log.append(numbers(130).map((n) => entry(n)));
    expect(await listed(500)).toHaveLength(130);
  });

  test('are limited in size', async () => {
    await expect(log.append([entry(1, { text: 'x'.repeat(40_000) })])).rejects.toThrow(/entry e1 .* limit is 32768/);
  });

  test('are cut between characters if their text is long', async () => {
    const text = `${'x'.repeat(1998)}😀😀`;
    await stores.table.transact([auditWrite(entry(1, { text }))]);
    expect((await listed())[0]?.text).toBe(`${'x'.repeat(1998)}…`);
  });

  test('are written together with other items, or not at all', async () => {
    const own = { pk: 'OWN', sk: 'OWN' };
    const write = (id: number) => log.transact([put(own, absent)], [entry(id)]);
    expect(await write(1)).toEqual({ ok: true });
    expect(await write(2)).toEqual({ ok: false, failed: [0] });
    expect((await listed()).map(({ id }) => id)).toEqual(['e1']);
  });
});

describe('pages', () => {
  test('continue across sealed and unsealed minutes', async () => {
    for (const n of numbers(7)) {
      await log.append([entry(`${n}a`), entry(`${n}b`)]);
      later(45);
      if (n === 4) await log.seal();
    }
    const found: string[] = [];
    const sealed = new Set<boolean>();
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await log.list({ limit: 3, ...(cursor && { cursor }) });
      found.push(...page.items.map(({ id }) => id));
      for (const one of page.items) sealed.add(one.sealed);
      cursor = page.next_cursor;
    }
    expect(found).toEqual(
      numbers(7)
        .toReversed()
        .flatMap((n) => [`e${n}b`, `e${n}a`]),
    );
    expect(sealed).toEqual(new Set([true, false]));
  });

  test('are complete and in order across more minutes than one lookup covers, with gaps', async () => {
    const begin = stores.clock.now();
    for (const n of numbers(60)) {
      await log.append([entry(n)]);
      later(n % 7 === 0 ? 3600 : 60);
      if (n === 56) await log.seal();
    }
    const old = newLog(silent, new SetClock(plusSeconds(begin, -600))); // written with a clock that is behind
    await old.append([entry('old')]);
    const all = await listed(500);
    const ids = numbers(60).map((n) => `e${n}`);
    expect(all.map(({ id }) => id)).toEqual(['eold', ...ids].toReversed());
    expect(all.filter((one) => one.sealed)).toHaveLength(57);
  });

  test.each(numbers(9).map((n) => n + 1))('of %i are newest first, if entries are recorded late', async (limit) => {
    const begin = stores.clock.now();
    const after = (seconds: number) => plusSeconds(begin, seconds);
    // By the minute in which they are recorded: times in seconds after the begin.
    const recorded = [[0, 20], [70, 10], [125, 15, 65], [190, 30, 70.5], [200], [600, 610, 5, 615, 130, 195]];
    for (const seconds of recorded) {
      stores.clock.set(Date.parse(after(seconds[0] ?? 0)));
      await log.append(seconds.map((at) => entry(at, { at: after(at) })));
    }
    later(70);
    await log.seal();
    const found: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await log.list({ limit, ...(cursor && { cursor }) });
      found.push(...page.items.map(({ at }) => at));
      cursor = page.next_cursor;
    }
    expect(found).toEqual(
      recorded
        .flat()
        .toSorted((a, b) => b - a)
        .map(after),
    );
  });

  test('are complete if entries are recorded late in more minutes than a cursor has room for', async () => {
    const begin = stores.clock.now();
    await log.append(numbers(60).map((n) => entry(n)));
    for (const n of numbers(50)) {
      later(60);
      await log.append([entry(`late${n}`, { at: plusSeconds(begin, -1 - n) })]);
    }
    const found: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await log.list({ limit: 13, ...(cursor && { cursor }) });
      expect((page.next_cursor ?? '').length).toBeLessThan(2048);
      found.push(...page.items.map(({ id }) => id));
      cursor = page.next_cursor;
    }
    const onTime = new Set(numbers(60).map((n) => `e${n}`));
    expect(new Set(found.slice(0, 60))).toEqual(onTime);
    expect(found.slice(60)).toEqual(numbers(50).map((n) => `elate${n}`));
  });

  test('do not begin again if entries are recorded meanwhile', async () => {
    for (const n of numbers(6)) {
      await log.append([entry(n)]);
      later(60);
    }
    const { next_cursor: cursor } = await log.list({ limit: 2 });
    await log.append([entry('new'), entry('late', { at: plusSeconds(stores.clock.now(), -90) })]);
    const { items } = await log.list({ limit: 10, cursor: cursor ?? '' });
    expect(items.map(({ id }) => id)).toEqual(['e3', 'e2', 'e1', 'e0']);
  });

  test('refuse an unknown cursor', async () => {
    for (const text of ['nothing', '{"minute":"../../x","sk":"2026"}', '{"minute":"2026-11-20T12:00","sk":"../../x"}'])
      await expect(log.list({ limit: 1, cursor: Buffer.from(text).toString('base64url') })).rejects.toMatchObject({
        code: 'bad-cursor',
      });
  });
});

describe('sealing', () => {
  test('seals a minute one minute after its end, and not before', async () => {
    await log.append([entry(1)]); // at 12:00:00
    later(119);
    await log.seal();
    expect(await listed()).toMatchObject([{ sealed: false }]);
    const nothing = { intact: true, entries: 0, sealedUntil: null, brokenAt: null, because: null };
    expect(await log.check()).toEqual(nothing);
    later(1);
    await log.seal();
    expect(await listed()).toMatchObject([{ sealed: true, hash: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
    expect(await log.check()).toEqual({
      intact: true,
      entries: 1,
      sealedUntil: '2026-11-20T12:01:00.000Z' as Timestamp,
      brokenAt: null,
      because: null,
    });
  });

  test('records a hash for each entry', async () => {
    await twoSealedMinutes();
    expect(new Set((await listed()).map(({ hash }) => hash)).size).toBe(6);
  });

  test('by several processes at once seals each minute once', async () => {
    for (const n of numbers(8)) {
      await log.append([entry(n)]);
      later(60);
    }
    later(120);
    for (const _ of numbers(3)) await Promise.all(numbers(4).map(() => newLog().seal()));
    const seals = await collect(stores.table.each(keys.seals().pk), (seal) => seal);
    expect(seals.map(({ number, minute }) => [number, minute])).toEqual(
      numbers(8).map((n) => [n + 1, `2026-11-20T12:0${n}`]),
    );
    expect(await log.check()).toMatchObject({ intact: true, entries: 8 });
  });

  test('loses no entry of concurrent writers', async () => {
    const ahead = new SetClock(stores.clock.now());
    const sealer = newLog(silent, ahead);
    const minutes = new Set<string>();
    for (const round of numbers(8)) {
      const before = stores.clock.now().slice(0, 16);
      ahead.set(stores.clock.millis + 120_000);
      const write = async (writer: number) => {
        for (const n of numbers(5)) await log.append([entry(`${round}-${writer}-${n}`)]);
      };
      const writing = numbers(3).map(write);
      await sealer.seal(); // before an entry is marked, or after
      await sealer.seal();
      await Promise.all(writing);
      minutes.add((await rowsOf(before)).length === 15 ? 'in time' : 'too late');
      later(240);
    }
    await log.seal();
    expect(await listed(500)).toHaveLength(8 * 15);
    expect(await log.check()).toMatchObject({ intact: true, entries: 8 * 15 });
    expect(minutes).toContain('too late'); // otherwise nothing was tested
  });

  test('moves an entry for a sealed minute into a later one', async () => {
    const ahead = new SetClock(plusSeconds(stores.clock.now(), 180));
    await log.append([entry(1)]);
    await newLog(silent, ahead).seal();
    await log.append([entry(2)]);
    expect((await rowsOf('2026-11-20T12:01')).map((row) => textOf(row).id)).toEqual(['e2']);
    expect((await listed()).map(({ id, sealed }) => [id, sealed])).toEqual([
      ['e2', false],
      ['e1', true],
    ]);
    later(3600);
    await log.seal();
    expect(await log.check()).toMatchObject({ intact: true, entries: 2 });
  });

  test('creates several seals for a busy minute, and continues after an interruption', async () => {
    await log.append(numbers(1203).map((n) => entry(n)));
    later(180);
    await log.seal();
    const seals = await collect(stores.table.each(keys.seals().pk), (seal) => seal);
    expect(seals.map(({ entries }) => entries)).toEqual([500, 500, 203]);
    expect(await log.check()).toMatchObject({ intact: true, entries: 1203 });
    expect((await listed(500)).every(({ sealed, hash }) => sealed && hash !== null)).toBe(true);
    expect(await log.check({ last: 1 })).toMatchObject({ intact: true, entries: 203 });
    expect(await log.check({ last: 99 })).toMatchObject({ intact: true, entries: 1203 });
  });

  test('reports entries that were removed before it, and continues', async () => {
    const said: string[] = [];
    await log.append([entry(1), entry(2)]);
    const [row] = await rowsOf('2026-11-20T12:00');
    await erase(keyOf(row));
    later(300);
    await log.append([entry(3)]);
    const own = { ...silent, error: (message: string) => void said.push(message) };
    await newLog(own).seal();
    expect(await log.check()).toMatchObject({ intact: true, entries: 0 }); // the entry may still arrive
    later(600);
    await newLog(own).seal();
    expect(said).toEqual(['entries of the audit log are missing or were added; the minute is sealed as found']);
    expect(await log.check()).toEqual({
      intact: false,
      entries: 0,
      sealedUntil: null,
      brokenAt: 'seal 1',
      because: expect.stringContaining('only 1 of 2 entries of 2026-11-20T12:00 existed when it was sealed'),
    });
    expect((await listed()).map(({ sealed }) => sealed)).toEqual([true, true]);
  });
});

describe('the check of the chain finds', () => {
  let minute: string;
  beforeEach(async () => {
    minute = await twoSealedMinutes();
  });

  const brokenAt = async () => {
    const { intact, brokenAt: at } = await log.check();
    return intact ? 'intact' : at;
  };

  test('an altered entry', async () => {
    const [, row] = await rowsOf(minute);
    await forge({ ...row, entry: JSON.stringify({ ...textOf(row), actor: 'bo' }) });
    expect(await log.check()).toEqual({
      intact: false,
      entries: 0,
      sealedUntil: null,
      brokenAt: 'e1',
      because: expect.stringContaining('after it was sealed'),
    });
  });

  test('an entry that was altered and cannot be read, which is still listed', async () => {
    const [, row] = await rowsOf(minute);
    await forge({ ...row, entry: 'nothing' });
    expect(await brokenAt()).toBe(row?.['sk']);
    expect(await listed()).toContainEqual(expect.objectContaining({ kind: 'unreadable' }));
  });

  test.each([0, 1, 2, 3, 4, 5])('a removed entry: number %i', async (n) => {
    const next = plusSeconds(`${minute}:00.000Z` as Timestamp, 60).slice(0, 16);
    const rows = [...(await rowsOf(minute)), ...(await rowsOf(next))];
    await erase(keyOf(rows[n]));
    expect(await brokenAt()).toBe(`e${n}`);
  });

  test('two swapped entries', async () => {
    const [first, second] = await rowsOf(minute);
    await forge({ ...first, entry: second?.['entry'] });
    await forge({ ...second, entry: first?.['entry'] });
    expect(await brokenAt()).toBe('e0');
  });

  test.each(['2026-11-20T12:00:00.500Z', '2026-11-20T12:00:59.000Z'])('an entry added at %s', async (at) => {
    const added = entry('added', { at: at as Timestamp });
    await forge({ ...keys.logEntry(minute, added.at, added.id), entry: JSON.stringify(added) });
    expect(await brokenAt()).toBe('eadded');
  });

  test('a seal that was altered with its entry', async () => {
    const [row] = await rowsOf(minute);
    const altered = JSON.stringify({ ...textOf(row), actor: 'bo' });
    await forge({ ...row, entry: altered });
    await erase(keys.sealLinks(1));
    expect(await brokenAt()).toBe('seal 1');
  });

  test('a chain rebuilt from the altered entry on', async () => {
    const rows = await rowsOf(minute);
    for (const table of ['SEALS', 'LOGSEALED']) {
      for (const item of await collect(stores.table.each(table), (one) => one)) await erase(keyOf(item));
    }
    await forge({ ...rows[0], entry: JSON.stringify({ ...textOf(rows[0]), actor: 'bo' }) });
    await forge({ ...keys.logOpen(minute) });
    await forge({ ...keys.logOpen('2026-11-20T12:01') });
    await log.seal();
    expect(await brokenAt()).toBe('seal 2');
  });

  test('a truncated chain, also after it has continued', async () => {
    const cut = async (number: number, of: string) => {
      await erase(keys.seal(number));
      for (const row of await rowsOf(of)) await erase(keyOf(row));
    };
    await cut(2, '2026-11-20T12:01');
    expect(await brokenAt()).toBe('seal 2');
    for (const n of numbers(2)) {
      await log.append([entry(`next${n}`)]);
      later(180);
      await log.seal();
      expect(await brokenAt()).toBe('seal 2');
    }
  });

  test('a seal rebuilt before an original one', async () => {
    const old = await Promise.all([keys.seal(2), keys.sealLinks(2)].map((key) => stores.table.get(key)));
    const [row] = await rowsOf(minute);
    await forge({ ...row, entry: JSON.stringify({ ...textOf(row), actor: 'bo' }) });
    for (const key of [keys.seal(1), keys.seal(2), keys.logSealed(minute)]) await erase(key);
    await forge(keys.logOpen(minute));
    await log.seal();
    for (const item of old) await forge(item ?? {});
    expect(await brokenAt()).toBe('seal 2');
  });

  test('that the whole chain is gone', async () => {
    for (const item of await collect(stores.table.each('SEALS'), (one) => one)) await erase(keyOf(item));
    expect(await brokenAt()).toBe('seal 1');
  });

  test('that its head outside the table is gone', async () => {
    await stores.blobs.put(HEAD_KEY, 'nothing', 'application/json');
    await log.seal();
    expect(await brokenAt()).toBe(HEAD_KEY);
  });

  test('an altered decision, and a missing one', async () => {
    await keepDecision('d1');
    await keepDecision('d2', 400_000);
    await stores.table.update(keys.freezeDecision('d1'), { add: { count: 1 } }); // which is not an alteration
    later(180);
    await log.seal();
    expect(await brokenAt()).toBe('intact');

    const item = await stores.table.get(keys.freezeDecision('d1'));
    await forge({ ...item, record: String(item?.['record']).replace('"allowed":false', '"allowed":true') });
    expect(await brokenAt()).toBe('freeze.decision:d1');
    await forge({ ...item });
    expect(await brokenAt()).toBe('intact');

    const large = await stores.table.get(keys.freezeDecision('d2'));
    await stores.blobs.put(String(large?.['record_blob']), '{}', 'application/json');
    expect(await brokenAt()).toBe('freeze.decision:d2');
    await erase(keys.freezeDecision('d2'));
    expect(await brokenAt()).toBe('freeze.decision:d2');
  });

  test('a forged removal of a record, and none of retention', async () => {
    for (const id of ['d1', 'd2', 'd3']) await keepDecision(id);
    later(180);
    await log.seal();
    later(8 * 24 * 3600);
    await keepDecision('d4');
    await removeDecisions(['d1', 'd3']);
    expect(await brokenAt()).toBe('intact');
    later(180);
    await log.seal();
    expect(await brokenAt()).toBe('intact');

    await forge(stub('d4')); // on a day of which the log has no removal
    for (const walk of [{}, { last: 2 }]) {
      const { brokenAt: at, because } = await log.check(walk);
      expect([at, because]).toEqual(['freeze.decision:d4', expect.stringContaining('somebody else removed')]);
    }
    expect(await log.check({ last: 0 })).toMatchObject({ intact: true });
    await removeDecisions(['d4']); // earlier than retention does
    expect(await brokenAt()).toBe('freeze.decision:d4');
    later(8 * 24 * 3600);
    await removeDecisions(['d4']);
    expect(await brokenAt()).toBe('intact');

    await forge(stub('d2')); // on a day of which the log has fewer removals
    expect(await brokenAt()).toBe('freeze.decision:d1');
    // An entry that says so lies outside the chain until it is counted like others.
    const lie = { ...removalOf(1, '2026-11-20'), id: 'lie' };
    await forge({ ...keys.logEntry(minute, lie.at, lie.id), entry: JSON.stringify(lie) });
    expect(await brokenAt()).toBe('lie');
  });

  test.each([
    ['records are removed', (id: string) => removeDecisions([id])],
    ['the entry of a removal is sealed', () => log.seal()],
  ])('nothing wrong if %s at any moment of it', async (_, happen) => {
    for (let call = 1, isOver = false; !isOver; call += 1) {
      const [removed, id] = [`r${call}`, `d${call}`];
      later(24 * 3600);
      await keepDecision(removed);
      await keepDecision(id);
      later(180);
      await log.seal();
      later(8 * 24 * 3600);
      await removeDecisions([removed]);
      later(180);
      isOver = true;
      stores.store.before(call, async () => {
        isOver = false;
        await happen(id);
      });
      expect(await log.check({ last: 2 }), `before call ${call}`).toMatchObject({ intact: true });
    }
    expect(await log.check()).toMatchObject({ intact: true });
  });

  test('an altered evidence document in the bucket, and a missing one', async () => {
    const incident = '01JCYZ7Q8M3N5P7R9T1V3X5Z70' as IncidentId;
    const names = ['roll-back.1', 'roll-back.2'];
    for (const name of names) {
      const document = await stores.evidencePacks.keep(incident, name, JSON.stringify({ name }));
      const pack = {
        name,
        incident_id: incident,
        action: 'roll-back' as const,
        text: 'Rolling back',
        at: stores.clock.now(),
        stored_at: stores.clock.now(),
        sha256: sha256(document),
        bytes: document.byteLength,
      };
      await stores.evidencePacks.record(pack, {
        ...entry(`evidence:${incident}:${name}`),
        kind: 'evidence.stored',
        subject: incident,
        detail: { name, sha256: pack.sha256, bytes: pack.bytes },
      });
    }
    await log.list({ limit: 1 }); // moves waiting entries into the log
    later(180);
    await log.seal();
    expect(await brokenAt()).toBe('intact');

    const key = (name: string) => `evidence/${incident}/${name}.json`;
    const original = await stores.blobs.get(key('roll-back.2'));
    await stores.blobs.put(key('roll-back.2'), '{"name":"roll-back.3"}', 'application/json');
    expect(await log.check()).toMatchObject({
      brokenAt: `eevidence:${incident}:roll-back.2`,
      because: expect.stringContaining('evidence'),
    });
    await stores.blobs.put(key('roll-back.2'), original ?? '', 'application/json');
    expect(await brokenAt()).toBe('intact');
    // An entry whose document does not exist.
    await log.append([
      {
        ...entry(`evidence:${incident}:roll-back.9`),
        kind: 'evidence.stored',
        subject: incident,
        detail: { name: 'roll-back.9', sha256: sha256('{}'), bytes: 2 },
      },
    ]);
    later(180);
    await log.seal();
    expect(await brokenAt()).toBe(`eevidence:${incident}:roll-back.9`);
  });
});

describe('the key of the seals', () => {
  const withKeys = (set: Record<string, string>) => newLog(silent, stores.clock, { get: async (name) => set[name] });
  const FIREBREAK_AUDIT_KEY = 'an-audit-key-of-some-length';

  /** Rewrites an entry, its seal, all later seals, and the head, as an attacker with write access to all stores can. */
  async function rebuilt(more: (seal: Seal) => Partial<Seal>): Promise<void> {
    const seals = (await collect(stores.table.each('SEALS'), (item) => item)).map((item) => ({
      item,
      seal: Seal.parse(item),
    }));
    let previous = '0'.repeat(64);
    for (const {
      item,
      seal: { hash: _, mac: __, ...seal },
    } of seals) {
      const rows = await rowsOf(seal.minute);
      if (seal.number === 1) await forge({ ...rows[0], entry: JSON.stringify({ ...textOf(rows[0]), actor: 'bo' }) });
      const links: [string, string][] = [];
      let chain = previous;
      for (const row of await rowsOf(seal.minute))
        links.push([textOf(row).id, (chain = link(chain, String(row['entry'])))]);
      const own = { ...seal, previous, chain };
      previous = sealHash(own);
      const made = { ...item, ...own, hash: previous };
      await forge({ ...made, ...more(made) });
      await forge({ ...keys.sealLinks(seal.number), links: JSON.stringify(links) });
    }
    const head = { number: seals.length, hash: previous, at: stores.clock.now() };
    await stores.blobs.put(HEAD_KEY, JSON.stringify(head), 'application/json');
  }

  test.each([
    ['with the old MACs', () => ({}), 'its MAC is wrong: it was made without the audit key'],
    ['with MACs by another key', ({ hash }: Seal) => ({ mac: link(hash, 'forged') }), 'its MAC is wrong'],
    ['without MACs', () => ({ mac: undefined }), 'it has no MAC'],
  ] as const)(
    'reveals a chain that was rebuilt %s, although its hashes and the head agree',
    async (_, more, because) => {
      await twoSealedMinutes();
      await rebuilt(more);
      const found = { intact: false, entries: 0, brokenAt: 'seal 1', because: expect.stringContaining(because) };
      expect(await log.check()).toMatchObject(found);
      // Later seals do not hide it.
      await log.append([entry('next')]);
      later(240);
      await log.seal();
      expect(await log.check()).toMatchObject(found);
    },
  );

  test('can be replaced: seals of the previous key are valid as long as it is known', async () => {
    await twoSealedMinutes();
    const replaced = { FIREBREAK_AUDIT_KEY: 'another-audit-key-of-some-length' };
    const both = { ...replaced, FIREBREAK_AUDIT_KEY_PREVIOUS: `an-older-one ${FIREBREAK_AUDIT_KEY}` };
    await log.append([entry('next')]);
    later(240);
    await withKeys(both).seal();
    expect(await withKeys(both).check()).toMatchObject({ intact: true, entries: 7 });
    expect(await withKeys({ FIREBREAK_AUDIT_KEY }).check()).toMatchObject({ brokenAt: 'seal 3', entries: 6 });
    const [seal] = await collect(stores.table.each('SEALS'), (item) => Seal.parse(item));
    expect(await withKeys(replaced).check()).toMatchObject({
      brokenAt: 'seal 1',
      because: expect.stringMatching(new RegExp(`^it was sealed with the key ${seal?.key}, which is unknown here`)),
    });
    expect(await withKeys(replaced).check({ last: 1 })).toMatchObject({ intact: true, entries: 1 });
  });

  test('is required: without it nothing is sealed, entries wait, and the check reports it', async () => {
    const unset = withKeys({});
    await stores.automation.write({ paused: true }, 'ada');
    await expect(unset.seal()).rejects.toThrow('FIREBREAK_AUDIT_KEY is not set');
    expect(await unset.check()).toMatchObject({
      intact: false,
      brokenAt: null,
      because: 'FIREBREAK_AUDIT_KEY is not set, so the log can be neither sealed nor checked',
    });
    expect(await unset.list({ limit: 9 })).toMatchObject({ items: [{ actor: 'ada', sealed: false }] });
    later(240);
    await log.seal();
    expect(await log.check()).toMatchObject({ intact: true, entries: 1 });
  });
});

/** Keeps a decision of the freeze check, with its entry. A large one has its record in the bucket. */
async function keepDecision(id: string, chars = 0): Promise<void> {
  const record = recordOf({ id, allowed: false, text: 'x'.repeat(chars) });
  const stored = await storeRecord(stores.blobs, id, record);
  const logged: AuditEntry = {
    id: `${DECISION_KIND}:${id}`,
    at: stores.clock.now(),
    actor: 'ci',
    kind: DECISION_KIND,
    subject: 'checkout/production',
    text: 'Denied: deploy of v2',
    detail: { decision: id, sha256: sha256(record) },
  };
  await log.transact([put({ ...keys.freezeDecision(id), ...stored, count: 1 }, absent)], [logged]);
}

/** What is left of a decision whose record was removed. */
const stub = (id: string): Item => ({ ...keys.freezeDecision(id), count: 1, removed_at: stores.clock.now() });

const removalOf = (count: number, day: string): AuditEntry => ({
  ...entry(`removal-${Math.random()}`),
  kind: REMOVAL_KIND,
  detail: { removed: { [day]: count }, bytes: 9 },
});

/** Removes the records of decisions, with the entry for them, as retention does. */
async function removeDecisions(ids: readonly string[]): Promise<void> {
  const entries = (await log.list({ limit: 1000 })).items;
  const [day = ''] = ids.map((id) => entries.find((one) => one.id.endsWith(`:${id}`))?.at.slice(0, 10));
  await log.transact(
    ids.map((id) => put(stub(id))),
    [removalOf(ids.length, day)],
  );
}
