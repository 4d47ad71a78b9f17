import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AuditLogTable } from '../../../../core/stores/audit/audit-log.ts';
import { FreezeStateTable } from '../../stores/freeze-state.ts';
import { entries } from '../../stores/freeze-entries.ts';
import { FreezeTable } from '../../stores/freezes.ts';
import { keys } from '../../keys.ts';
import type { CheckedScope } from '../../types.ts';
import type { Freeze, Override } from '../../schemas/freeze.ts';
import { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { silent, sealSecrets } from '../../../../test/support/fake-deps.ts';
import { freeze, override } from '../freezes-support.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';
import { put } from '../../../../platforms/store.ts';

let stores: TableStores;
let freezes: FreezeTable;
let place: CheckedScope;
let places = 0;
let ids = 0;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());
beforeEach(() => {
  places += 1;
  place = {
    service: ServiceName.parse(`service-${places}`),
    environment: EnvironmentName.parse(`environment-${places}`),
    team: `team-${places}`,
  };
  freezes = another();
});

/** The same table in another process. */
const another = (): FreezeTable =>
  new FreezeTable(
    stores.table,
    stores.clock,
    new AuditLogTable(stores.table, stores.blobs, stores.clock, silent, sealSecrets),
  );
const audit = () => new AuditLogTable(stores.table, stores.blobs, stores.clock, silent, sealSecrets);

const now = (): Timestamp => stores.clock.now();
const later = (seconds: number): void => stores.clock.set(stores.clock.millis + seconds * 1000);
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** Returns a freeze of the service and environment of this test. */
function aFreeze(more: object = {}): Freeze {
  ids += 1;
  const { service, environment } = place;
  return freeze(`frz_${ids}`, now(), { service, environment, ...more });
}

async function opened(more: object = {}): Promise<Freeze> {
  const one = aFreeze(more);
  expect(await freezes.open(one)).toEqual({ freeze: one, created: true });
  return one;
}

const checked = async (at = place) => (await new FreezeStateTable(stores.table).read(at, [])).own;
const current = async () => (await freezes.current()).map(({ id }) => id);
const ended = (more: object = {}) => ({ at: now(), by: 'ada', reason: 'enough', settled: false, ...more });
const told = async (id: string) =>
  (await audit().list({ limit: 500 })).items.filter(({ subject }) => subject === id).map(({ kind }) => kind);

describe('a freeze', () => {
  test('is stored, current, visible to checks, and in the audit log from its beginning', async () => {
    const one = await opened();
    expect(await freezes.get(one.id)).toEqual(one);
    expect(await checked()).toEqual([one]);
    expect(await current()).toContain(one.id);
    expect(await told(one.id)).toEqual(['freeze.opened']);
    expect(await freezes.get('frz_unknown')).toBeUndefined();
  });

  test.each([
    ['budget', { cause: 'budget', slo: 'availability' }],
    ['burn', { cause: 'burn', slo: 'availability' }],
    ['incident', { cause: 'incident', slo: null, incident_id: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B' }],
  ])('by %s is not opened twice until its cause is over', async (_, cause) => {
    const first = await opened({ ...cause, service: place.service });
    expect(await freezes.open(aFreeze(cause))).toEqual({ freeze: first, created: false });
    const lifted = await freezes.end(first.id, ended());
    expect(lifted).toEqual({ ...first, ended_at: now(), ended_by: 'ada', end_reason: 'enough' });
    expect(await freezes.open(aFreeze(cause))).toEqual({ freeze: lifted, created: false });
    expect(await current()).toContain(first.id);
    await freezes.settle(first.id, now());
    expect(await current()).not.toContain(first.id);
    const next = aFreeze(cause);
    expect(await freezes.open(next)).toEqual({ freeze: next, created: true });
    expect(await told(first.id)).toEqual(expect.arrayContaining(['freeze.opened', 'freeze.ended', 'freeze.settled']));
    await freezes.end(next.id, ended({ settled: true }));
  });

  test('by a budget does not replace one by a burn rate of the same objective', async () => {
    await opened({ cause: 'budget', slo: 'latency' });
    await opened({ cause: 'burn', slo: 'latency' });
    expect(await checked()).toHaveLength(2);
  });

  test('by a person can exist twice; one with the same id is the same', async () => {
    const first = await opened({ cause: 'person', slo: null });
    await opened({ cause: 'person', slo: null });
    expect(await freezes.open({ ...first, reason: 'another' })).toEqual({ freeze: first, created: false });
    await freezes.end(first.id, ended({ settled: true }));
    expect(await freezes.open(first)).toMatchObject({ freeze: { ended_by: 'ada' }, created: false });
  });

  test('opened by many processes at once exists once', async () => {
    const cause = { cause: 'burn', slo: `racing-${places}` };
    const answers = await Promise.all(numbers(8).map(() => another().open(aFreeze(cause))));
    expect(answers.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(answers.map(({ freeze: { id } }) => id)).size).toBe(1);
    expect(await checked()).toHaveLength(1);
  });

  test('of a scope with concurrent freezes is stored with all others', async () => {
    const all = numbers(20).map(() => aFreeze());
    await Promise.all(all.map((one) => another().open(one)));
    expect(await checked()).toEqual(expect.arrayContaining(all));
    await Promise.all(all.slice(0, 10).map(({ id }) => another().end(id, ended({ settled: true }))));
    expect((await checked()).map(({ id }) => id).toSorted()).toEqual(
      all
        .slice(10)
        .map(({ id }) => id)
        .toSorted(),
    );
  });

  test('ends once: the first person is recorded', async () => {
    const one = await opened();
    const first = await freezes.end(one.id, ended());
    later(5);
    expect(await freezes.end(one.id, ended({ by: 'bo' }))).toEqual(first);
    const settled = await freezes.end(one.id, ended({ by: 'evaluation', settled: true }));
    expect(settled).toEqual({ ...first, settled_at: now() });
    expect(await checked()).toEqual([]);
    expect(await freezes.end('frz_unknown', ended())).toBeUndefined();
  });

  test('lifted by a person stays visible to checks while its cause can last', async () => {
    const calendar = await opened({ cause: 'calendar', slo: null, calendar: 'xmas', until: plusSeconds(now(), 3600) });
    const person = await opened({ cause: 'person', slo: null });
    await freezes.end(calendar.id, ended());
    await freezes.end(person.id, ended());
    expect(await checked()).toMatchObject([{ id: calendar.id, ended_by: 'ada' }]);
    later(3600);
    await opened();
    expect((await checked()).map(({ id }) => id)).not.toContain(calendar.id);
  });

  test('that has expired leaves the list of its scope when the next one begins', async () => {
    const brief = await opened({ until: plusSeconds(now(), 60) });
    later(60);
    expect((await checked()).map(({ id }) => id)).toContain(brief.id); // whether it is in force is computed on read
    const next = await opened();
    expect(await checked()).toEqual([next]);
    expect(await current()).toContain(brief.id);
    await freezes.end(brief.id, ended({ by: 'calendar', settled: true }));
    expect(await current()).not.toContain(brief.id);
  });

  test('is listed only if it matches the filter, in full pages', async () => {
    const all = [];
    for (const n of numbers(6)) {
      all.push(await opened());
      later(n + 1);
    }
    const odd = all.filter((_, index) => index % 2 === 1).map(({ id }) => id);
    const isWanted = ({ id }: { id: string }) => odd.includes(id);
    const { items, next_cursor } = await freezes.list({ limit: 2 }, isWanted);
    const rest = await freezes.list({ limit: 2, ...(next_cursor !== null && { cursor: next_cursor }) }, isWanted);
    expect([items.map(({ id }) => id), rest.items.map(({ id }) => id)]).toEqual([
      odd.slice(1).toReversed(),
      odd.slice(0, 1),
    ]);
    expect(rest.next_cursor).toBeNull();
  });

  test('is listed newest first, including ended ones', async () => {
    const all = [];
    for (const n of numbers(3)) {
      all.push(await opened());
      later(n + 1);
    }
    await freezes.end(all[1]?.id ?? '', ended({ settled: true }));
    const found: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await freezes.list({ limit: 2, ...(cursor && { cursor }) });
      found.push(...page.items.map(({ id }) => id));
      cursor = page.next_cursor;
    }
    expect(found.slice(0, 3)).toEqual(all.map(({ id }) => id).toReversed());
  });
});

describe('a reason that an older version has worded as of its start', () => {
  test.each([
    ['budget', 'the error budget of Checkout is spent: 120 %', '120 %', /^at \d{4}-\d\d-\d\d \d\d:\d\d UTC: the error/],
    [
      'burn',
      'the error budget of Checkout burns too fast',
      'burns too fast',
      /^at .* UTC: the error budget of Checkout/,
    ],
    ['budget', 'at 2026-11-20 12:00 UTC, the error budget was spent', 'was spent', /^at 2026-11-20 12:00 UTC, the/],
    ['person', 'the error budget of our patience is spent', 'spent', /^the error budget of our patience/],
  ])('of %s says when that was: %s', async (cause, reason, end, words) => {
    const one = await freezes.open(aFreeze({ cause, reason }));
    for (const found of [await freezes.get(one.freeze.id), (await checked())[0]]) {
      expect(found?.reason).toMatch(words);
      expect(found?.reason.endsWith(end)).toBe(true);
    }
  });

  test('of an incident has neither its ID nor the present tense', async () => {
    const incident_id = '01TEST00000000000000000001';
    const reason = `a critical incident has been open since 2026-11-20 12:00 UTC: Errors (${incident_id})`;
    const { freeze: one } = await freezes.open(aFreeze({ cause: 'incident', incident_id, reason }));
    const found = await freezes.get(one.id);
    expect(found?.reason).toBe('a critical incident opened at 2026-11-20 12:00 UTC: Errors');
  });
});

describe('a freeze by calendar', () => {
  const entry = (more: object = {}) =>
    aFreeze({ cause: 'calendar', slo: null, calendar: 'xmas', until: plusSeconds(now(), 3600), ...more });
  const revision = ({ id }: Freeze, seconds: number) => ({
    id,
    reason: 'xmas, longer',
    ends_when: 'later',
    until: plusSeconds(now(), seconds),
  });

  test('shows the current state when its entry was edited, also if it is only opened again', async () => {
    const { freeze: one } = await freezes.open(entry());
    expect(await freezes.revise(revision(one, 7200))).toEqual({ ...one, ...revision(one, 7200) });
    expect(await checked()).toEqual([{ ...one, ...revision(one, 7200) }]);
    const edited = { ...one, ...revision(one, 60) };
    expect(await freezes.open(edited)).toEqual({ freeze: edited, created: false });
    expect(await freezes.open(edited)).toEqual({ freeze: edited, created: false });
    expect((await told(one.id)).filter((kind) => kind === 'freeze.revised')).toHaveLength(2);
    expect(await freezes.revise({ ...revision(one, 60), id: 'frz_unknown' })).toBeUndefined();
  });

  test('that was over is in force again when it begins again', async () => {
    const { freeze: one } = await freezes.open(entry());
    later(3600);
    await freezes.end(one.id, ended({ by: 'calendar', settled: true }));
    expect([await checked(), (await current()).includes(one.id)]).toEqual([[], false]);
    const again = { ...one, ...revision(one, 60) };
    expect(await freezes.open(again)).toEqual({ freeze: again, created: false });
    expect([await checked(), (await current()).includes(one.id)]).toEqual([[again], true]);
    await freezes.end(one.id, ended({ by: 'calendar', settled: true }));
    expect([await checked(), (await current()).includes(one.id)]).toEqual([[], false]);
    expect((await told(one.id)).filter((kind) => kind === 'freeze.ended')).toHaveLength(2);
  });

  test('that a person lifted stays lifted', async () => {
    const { freeze: one } = await freezes.open(entry());
    await freezes.end(one.id, ended());
    expect(await freezes.revise(revision(one, 7200))).toMatchObject({ reason: 'xmas, longer', ended_by: 'ada' });
    expect(await checked()).toMatchObject([{ id: one.id, ended_by: 'ada' }]);
  });
});

describe('a scope', () => {
  test('with too many freezes accepts no more, and reports that', async () => {
    const first = await opened();
    const others = numbers(499).map(() => aFreeze({ reason: 'x' }));
    const scope = keys.freezeScope(first);
    const attributes = [first, ...others].map((one) => [`freeze:${one.id}`, JSON.stringify(one)]);
    await stores.table.transact([put({ ...scope, ...Object.fromEntries(attributes) })]);
    expect(await checked()).toHaveLength(500);
    await expect(freezes.open(aFreeze())).rejects.toMatchObject({
      name: 'ScopeFull',
      message: expect.stringMatching(
        /^service-\d+ in environment-\d+ has 500 unfinished freezes with .* End some of them/,
      ) as string,
    });
    await freezes.end(first.id, ended({ settled: true }));
    await opened();
    expect(await checked()).toHaveLength(500);
  });

  test('with too much data accepts no more, and ended freezes are removed', async () => {
    const long = { reason: 'x'.repeat(41_000), until: plusSeconds(now(), 60) };
    for (const _ of numbers(7)) await opened(long);
    await expect(freezes.open(aFreeze(long))).rejects.toThrow('End some of them, or use fewer overrides');
    const [one] = await checked();
    const large = override('o', now(), { reason: 'x'.repeat(60_000) });
    await expect(freezes.addOverride(one?.id ?? '', large)).rejects.toThrow('End some of them');
    later(60);
    await opened({ reason: 'x'.repeat(40_000) });
    expect(await checked()).toHaveLength(1);
  });
});

describe('the scopes of a service', () => {
  test('contain only its own freezes', async () => {
    const { service, environment, team } = place;
    const scopes = [
      { service, environment, team: null },
      { service, environment: null, team: null },
      { service: null, environment, team: null },
      { service: null, environment, team },
      { service: null, environment: null, team },
    ];
    const all: string[] = [];
    for (const scope of scopes) all.push((await opened(scope)).id);
    const everywhere = await opened({ service: null, environment: null });
    const seen = async (at: Partial<CheckedScope>) => {
      const found = (await checked({ ...place, ...at })).map(({ id }) => id);
      expect(found).toContain(everywhere.id);
      return all.flatMap((id, n) => (found.includes(id) ? [n] : []));
    };
    const other = { service: ServiceName.parse('other'), environment: EnvironmentName.parse('other') };
    expect(await seen({})).toEqual([0, 1, 2, 3, 4]);
    expect(await seen({ team: null })).toEqual([0, 1, 2]);
    expect(await seen({ environment: other.environment })).toEqual([1, 4]);
    expect(await seen({ service: other.service })).toEqual([2, 3, 4]);
    expect(await seen({ ...other, team: 'other' })).toEqual([]);
    await freezes.end(everywhere.id, ended({ settled: true }));
  });

  test('have unambiguous names, with any characters', async () => {
    await opened({ service: ServiceName.parse('a#b'), environment: EnvironmentName.parse('c') });
    await opened({ service: null, environment: null, team: 'service:x' });
    expect(
      await checked({ ...place, service: ServiceName.parse('a'), environment: EnvironmentName.parse('b#c') }),
    ).toEqual([]);
    expect(await checked({ ...place, service: ServiceName.parse('x'), team: null })).toEqual([]);
  });
});

describe('an override', () => {
  async function permitted(more: object = {}): Promise<{ id: string; use: Use; override: Override }> {
    const { id } = await opened();
    const given = override('o1', now(), more);
    expect(await freezes.addOverride(id, given)).toMatchObject({ overrides: [given] });
    const use: Use = (deployment, version, by = freezes) =>
      by.useOverrides([{ freeze: id, override: 'o1', deployment }], 'token:ci', version);
    return { id, use, override: given };
  }
  type Use = (deployment: string, version?: string | null, by?: FreezeTable) => Promise<'used' | 'again' | 'spent'>;

  test('is visible to checks, and in the audit log', async () => {
    const { id, override: given } = await permitted();
    expect((await checked())[0]?.overrides).toEqual([given]);
    expect(await freezes.addOverride(id, { ...given, reason: 'another' })).toMatchObject({ overrides: [given] });
    expect(await told(id)).toEqual(expect.arrayContaining(['freeze.opened', 'override.requested']));
  });

  test('cannot be created for a freeze that is over or does not exist', async () => {
    const one = await opened({ until: plusSeconds(now(), 60) });
    later(60);
    expect(await freezes.addOverride(one.id, override('o1', now()))).toBeUndefined();
    expect(await freezes.addOverride('frz_unknown', override('o1', now()))).toBeUndefined();
  });

  test('counts each deployment once, and allows no more than its uses', async () => {
    const { id, use } = await permitted({ uses: 2 });
    expect(await use('d1')).toBe('used');
    expect(await use('d1')).toBe('again');
    expect(await use('d2')).toBe('used');
    expect(await use('d3')).toBe('spent');
    expect([await use('d1'), await use('d2')]).toEqual(['again', 'again']);
    const uses = (await checked())[0]?.overrides[0]?.used_by;
    expect(uses).toEqual([
      { deployment: 'd1', at: now(), by: 'token:ci' },
      { deployment: 'd2', at: now(), by: 'token:ci' },
    ]);
    expect((await told(id)).filter((kind) => kind === 'override.used')).toHaveLength(2);
  });

  test('with one use left is used by one of many concurrent deployments', async () => {
    for (const uses of [1, 3]) {
      const { use, id } = await permitted({ uses });
      const answers = await Promise.all(numbers(10).map((n) => use(`d${n}`, null, another())));
      expect(answers.filter((answer) => answer === 'used')).toHaveLength(uses);
      expect(answers.filter((answer) => answer === 'spent')).toHaveLength(10 - uses);
      expect((await freezes.get(id))?.overrides[0]?.used_by).toHaveLength(uses);
    }
  });

  test('counts one deployment with concurrent requests once', async () => {
    const { use } = await permitted({ uses: 5 });
    const answers = await Promise.all(numbers(10).map(() => use('d1', null, another())));
    expect(answers.toSorted()).toEqual([...Array<string>(9).fill('again'), 'used']);
  });

  test('without a limit keeps its newest uses, and still counts each once', async () => {
    const { id, use, override: given } = await permitted({ uses: null });
    expect(await use('first')).toBe('used');
    const used_by = numbers(100).map((n) => ({ deployment: `d${n}`, at: now(), by: 'token:ci' }));
    const record = await stores.table.get(keys.freeze(id));
    await stores.table.transact([put({ ...record, overrides: [{ ...given, used_by }] })]);
    expect([await use('last'), await use('first')]).toEqual(['used', 'again']);
    const [one] = await checked();
    expect(one?.overrides[0]?.used_by).toEqual([
      ...used_by.slice(1),
      { deployment: 'last', at: now(), by: 'token:ci' },
    ]);
  });

  test('is valid until it expires', async () => {
    const { use } = await permitted({ expires_at: plusSeconds(now(), 60) });
    later(59.999);
    expect(await use('d1')).toBe('used');
    later(0.001);
    expect([await use('d1'), await use('d2')]).toEqual(['spent', 'spent']);
  });

  test('for one version is valid only for that version', async () => {
    const { use } = await permitted({ version: 'v42' });
    expect([await use('d1', 'v43'), await use('d1', null), await use('d1')]).toEqual(['spent', 'spent', 'spent']);
    expect(await use('d1', 'v42')).toBe('used');
  });

  test('that needs a second person is invalid until a different person approves it', async () => {
    const { id, use } = await permitted({ needs_approval: true });
    expect(await use('d1')).toBe('spent');
    for (const same of ['ada', 'bot (token of ada)']) expect(await freezes.approveOverride(id, 'o1', same)).toBe('own');
    expect(await use('d1')).toBe('spent');
    const approved = await freezes.approveOverride(id, 'o1', 'bo');
    expect(approved).toMatchObject({ overrides: [{ approved_by: 'bo', approved_at: now() }] });
    expect(await freezes.approveOverride(id, 'o1', 'cy')).toEqual(approved);
    expect(await use('d1')).toBe('used');
    expect(await told(id)).toContain('override.approved');
  });

  test('that needs no approval cannot be approved', async () => {
    const { id } = await permitted({ needs_approval: true, expires_at: plusSeconds(now(), 60) });
    expect(await freezes.approveOverride(id, 'o2', 'bo')).toBe('unknown');
    expect(await freezes.approveOverride('frz_unknown', 'o1', 'bo')).toBe('unknown');
    later(60);
    expect(await freezes.approveOverride(id, 'o1', 'bo')).toBe('unknown');
  });

  test('that is withdrawn is invalid, and cannot be approved', async () => {
    const { id, use } = await permitted();
    expect(await use('d1')).toBe('used');
    const withdrawn = await freezes.withdrawOverride(id, 'o1', 'bo');
    expect(withdrawn).toMatchObject({ overrides: [{ withdrawn_by: 'bo', withdrawn_at: now() }] });
    expect(await freezes.withdrawOverride(id, 'o1', 'cy')).toEqual(withdrawn);
    expect([await use('d1'), await use('d2')]).toEqual(['spent', 'spent']);
    expect(await freezes.approveOverride(id, 'o1', 'cy')).toBe('unknown');
    expect(await freezes.withdrawOverride(id, 'o2', 'bo')).toBeUndefined();
    expect(await freezes.withdrawOverride('frz_unknown', 'o1', 'bo')).toBeUndefined();
  });

  test('withdrawn during a use is used before that, or not at all', async () => {
    for (const _ of numbers(6)) {
      const { id, use } = await permitted();
      const [answer] = await Promise.all([use('d1', null, another()), another().withdrawOverride(id, 'o1', 'bo')]);
      const [left] = (await freezes.get(id))?.overrides ?? [];
      expect(left?.withdrawn_by).toBe('bo');
      expect(left?.used_by).toHaveLength(answer === 'used' ? 1 : 0);
    }
  });

  test('of an ended freeze is invalid', async () => {
    const { id, use } = await permitted();
    await freezes.end(id, ended());
    expect(await use('d1')).toBe('spent');
    const unknown = { freeze: 'frz_unknown', override: 'o1', deployment: 'd1' };
    expect(await freezes.useOverrides([unknown], 'token:ci')).toBe('spent');
  });

  test('of one freeze is used together with that of another, or not at all', async () => {
    const scopes = [{}, { environment: null }, {}]; // two in one scope
    const all = await Promise.all(scopes.map((more) => opened(more)));
    for (const [n, { id }] of all.entries())
      await freezes.addOverride(id, override('o1', now(), { uses: 3 - (n % 2) }));
    const use = (deployment: string) =>
      another().useOverrides(
        all.map(({ id }) => ({ freeze: id, override: 'o1', deployment })),
        'token:ci',
      );
    const answers = await Promise.all(numbers(6).map((n) => use(`d${n}`)));
    expect(answers.toSorted()).toEqual(['spent', 'spent', 'spent', 'spent', 'used', 'used']);
    const used = (shown: Freeze | undefined) => shown?.overrides[0]?.used_by.map(({ deployment }) => deployment);
    const [first, ...others] = await Promise.all(all.map(async ({ id }) => used(await freezes.get(id))));
    expect(first).toHaveLength(2);
    for (const other of others) expect(other).toEqual(first);
    const inScopes = (await checked()).map((one) => used(one));
    expect(inScopes).toEqual([first, first, first]);
    expect(await use(first?.[0] ?? '')).toBe('again');
    const only = await Promise.all(all.map(({ id }) => told(id)));
    for (const kinds of only) expect(kinds.filter((kind) => kind === 'override.used')).toHaveLength(2);
  });
});

test('a long text of the audit log ends between characters', () => {
  const textOf = (reason: string) => entries.opened(aFreeze({ reason })).text;
  expect(textOf('😀'.repeat(2000)).isWellFormed()).toBe(true);
  expect(textOf(`x${'😀'.repeat(2000)}`).isWellFormed()).toBe(true);
});

test('all events are in the audit log once, and the log is intact', async () => {
  later(3600);
  await audit().seal();
  const log = await audit().check();
  expect(log).toMatchObject({ intact: true, brokenAt: null });
  expect(log.entries).toBeGreaterThan(100);
});
