import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ChangeTable } from '../../../core/stores/changes/changes.ts';
import { DeployHistoryTable } from '../stores/deploy-history.ts';
import { keys as coreKeys } from '../../../core/stores/keys.ts';
import { keys } from '../keys.ts';
import { Table } from '../../../core/stores/table.ts';
import { put, remove, type Write } from '../../../platforms/store.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import type { ChangeId } from '../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';

const NOW = '2026-11-20T12:00:00.000Z' as Timestamp;
const DAY = 24 * 3600;

let stores: TableStores;
let history: DeployHistoryTable;

beforeEach(async () => {
  stores = await openTable();
  history = new DeployHistoryTable(stores.table);
});

afterEach(async () => stores.close());

/** A generator of the same numbers in each run (mulberry32). */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const SERVICES = ['cart', 'payments', 'a#b %'];

const record = async (random: (below: number) => number): Promise<ChangeId> => {
  const started_at = plusSeconds(NOW, -random(40 * DAY) - 60);
  const { change } = await stores.changes.record(
    NewChange.parse({
      service: SERVICES[random(SERVICES.length)],
      environment: random(5) === 0 ? 'staging' : 'production',
      version: `v${random(50)}`,
      kind: (['deploy', 'deploy', 'deploy', 'hotfix', 'rollback', 'flag', 'infrastructure'] as const)[random(7)],
      status: (['succeeded', 'succeeded', 'failed', 'started', 'cancelled'] as const)[random(5)],
      started_at,
      commits: [
        { sha: `c${random(1000)}`, committed_at: plusSeconds(started_at, -random(DAY)) },
        ...(random(3) === 0 ? [{ sha: `u${random(1000)}` }] : []),
      ],
    }),
  );
  return change.id;
};

const QUERIES = [
  { from: plusSeconds(NOW, -365 * DAY), until: NOW },
  { from: plusSeconds(NOW, -14 * DAY), until: NOW, environments: ['production'] },
  { from: plusSeconds(NOW, -20 * DAY), until: plusSeconds(NOW, -2 * DAY), service: 'a#b %' },
];

const sorted = (all: readonly { id: string }[]) => all.toSorted((a, b) => (a.id < b.id ? -1 : 1));

async function expectEqual(of = history): Promise<void> {
  for (const query of QUERIES) {
    const [read, recorded] = [await of.read(query), await of.recorded(query)];
    expect(sorted(read)).toEqual(sorted(recorded));
  }
}

async function rollAll(of = history): Promise<void> {
  for (let run = 0; run < 50; run += 1) if ((await of.roll(100)).isComplete) return;
  throw new Error('the rollups are not complete after 50 runs');
}

describe('rollups', () => {
  test.each([1, 2])('equal the recomputation after any writes (seed %s)', async (seed) => {
    const random = seeded(seed);
    const ids: ChangeId[] = [];
    for (let step = 0; step < 60; step += 1) {
      const id = ids[random(Math.max(1, ids.length))];
      const what = random(10);
      if (what < 5 || id === undefined) ids.push(await record(random));
      else if (what < 7) await stores.changes.patch(id, { status: random(2) === 0 ? 'succeeded' : 'failed' });
      // A correction of the start moves the record, often to another day.
      else if (what < 9)
        await stores.changes.revise(id, (change) => ({
          ...change,
          started_at: plusSeconds(change.started_at, -random(3 * DAY)),
        }));
      else await history.roll(random(4));
      if (step % 6 === 0) await expectEqual();
    }
    await rollAll();
    await expectEqual();
    expect((await history.recorded(QUERIES[0] as (typeof QUERIES)[0])).length).toBeGreaterThan(5);
  });

  test('are read in place of the changes', async () => {
    const random = seeded(4);
    for (let n = 0; n < 30; n += 1) await record(random);
    await rollAll();
    const [query] = QUERIES;
    stores.reads();
    await history.read(query as NonNullable<typeof query>);
    const { items } = stores.reads();
    await stores.changes.list({ limit: 1 });
    const before = await history.read(query as NonNullable<typeof query>);
    expect(items).toBeLessThan(50);
    // Nobody deletes changes; here it shows that they are not read.
    for (const { id } of before) {
      const { at_pk, at_sk } = (await stores.table.get(coreKeys.changeById(id))) ?? {};
      await stores.table.transact([remove({ pk: String(at_pk), sk: String(at_sk) })]);
    }
    expect(sorted(await history.read(query as NonNullable<typeof query>))).toEqual(sorted(before));
  });

  test('of a day on which a change was written meanwhile are not kept', async () => {
    const random = seeded(5);
    const id = await record(random);
    await rollAll();
    await stores.changes.patch(id, { author: 'ada' });
    const slow = new (class extends Table {
      override async transact(writes: readonly Write[]) {
        const isRollup = writes.some((one) => one.kind === 'put' && String(one.item['pk']).startsWith('DEPLOYDAY#'));
        if (isRollup) await stores.changes.patch(id, { status: 'failed' });
        return super.transact(writes);
      }
    })(stores.store);
    expect(await new DeployHistoryTable(slow).roll(10)).toEqual({ rolled: 0, isComplete: false });
    await expectEqual();
    await rollAll();
    await expectEqual();
  });
});

describe('counts', () => {
  const of = { service: 'cart', environment: 'production' };
  const started_at = plusSeconds(NOW, -3600);
  const deploy = async (fields: object) =>
    (await stores.changes.record(NewChange.parse({ ...of, started_at, ...fields }))).change.id;
  const counts = async () => Object.fromEntries((await history.counts())[0]?.counts ?? []);

  test('have each finished deploy and rollback once, with its duration', async () => {
    await deploy({ version: 'v1', finished_at: plusSeconds(started_at, 45) });
    await deploy({ version: 'v2', kind: 'hotfix', status: 'failed', finished_at: plusSeconds(started_at, 8000) });
    await deploy({ version: 'v3', status: 'cancelled', finished_at: plusSeconds(started_at, 10) });
    await deploy({ version: 'v1', kind: 'rollback', finished_at: plusSeconds(started_at, 20) });
    await deploy({ version: 'v1', kind: 'rollback', status: 'failed', finished_at: plusSeconds(started_at, 30) });
    await deploy({ version: 'on', kind: 'flag' });
    const running = await deploy({ version: 'v4', status: 'started' });
    await rollAll();
    const first = {
      success: 1,
      failure: 1,
      rollback: 1,
      duration_le_60: 1,
      'duration_le_+Inf': 1,
      duration_sum: 8045,
    };
    expect(await counts()).toEqual(first);
    await stores.changes.patch(running, { status: 'succeeded', finished_at: plusSeconds(started_at, 60) });
    await rollAll();
    await stores.changes.patch(running, { author: 'ada' });
    await rollAll();
    expect(await counts()).toEqual({ ...first, success: 2, duration_le_60: 2, duration_sum: 8105 });
  });

  test('have the duration of a deploy whose end is reported later', async () => {
    const annotated = await deploy({ version: 'v1' });
    await rollAll();
    expect(await counts()).toEqual({ success: 1 });
    for (const seconds of [100, 130]) {
      await stores.changes.patch(annotated, { finished_at: plusSeconds(started_at, seconds) });
      await rollAll();
      expect(await counts()).toEqual({ success: 1, duration_le_120: 1, duration_sum: 100 });
    }
  });
});

describe('the backfill', () => {
  test('continues after a crash at any write, and reads are right at every moment', async () => {
    const random = seeded(6);
    for (let n = 0; n < 25; n += 1) await record(random);
    // Changes of an older version have no marks.
    for await (const { pk, sk } of stores.table.each(keys.rollupMarks().pk))
      await stores.table.transact([remove({ pk: String(pk), sk: String(sk) })]);
    for (let allowed = 3; ; allowed += 7) {
      const dying = new DeployHistoryTable(dyingAfter(allowed));
      const done = await dying.roll(1000).catch(() => undefined);
      await expectEqual();
      if (done?.isComplete) break;
      expect(allowed).toBeLessThan(500);
    }
    expect(await history.roll(10)).toEqual({ rolled: 0, isComplete: true });
  });

  test('writes rollups of an older form again', async () => {
    const random = seeded(7);
    for (let n = 0; n < 25; n += 1) await record(random);
    await rollAll();
    const { form, ...older } = (await stores.table.get(keys.rollupState())) ?? {};
    expect(form).toBe(3);
    await stores.table.transact([put({ ...older, ...keys.rollupState() })]);
    // An older form lacks changes of the infrastructure; here, all changes.
    const scopes = new Set<string>();
    for await (const { service, environment } of stores.table.each(keys.rollupScopes().pk))
      scopes.add(keys.rollup({ service, environment } as never, '2026-11-01').pk);
    for (const pk of scopes)
      for await (const { sk } of stores.table.each(pk)) await stores.table.transact([remove({ pk, sk: String(sk) })]);
    await expectEqual();
    expect((await history.roll(1)).isComplete).toBe(false);
    await rollAll();
    await expectEqual();
    expect((await history.read({ from: plusSeconds(NOW, -365 * DAY), until: NOW })).length).toBeGreaterThan(5);
  });
});

/** Returns the table for a process that dies after so many writes. */
function dyingAfter(writes: number): Table {
  let left = writes;
  const spend = (): void => {
    if (left <= 0) throw new Error('the process died');
    left -= 1;
  };
  return new (class extends Table {
    override async transact(all: readonly Write[]) {
      spend();
      return super.transact(all);
    }
    override async update(...args: Parameters<Table['update']>) {
      spend();
      return super.update(...args);
    }
  })(stores.store);
}

test('a change that is written by another store is marked, too', async () => {
  const other = new ChangeTable(stores.table, stores.clock);
  await rollAll();
  await other.record(NewChange.parse({ service: 'cart', environment: 'production', version: 'v1' }));
  await expectEqual();
});
