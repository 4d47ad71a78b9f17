import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Database, DiskFailure } from '../../../platforms/sqlite/database.ts';
import { commitTogether } from '../../../platforms/sqlite/group-commit.ts';
import { SqliteQueues } from '../../../platforms/sqlite/queues.ts';
import { SqliteStore } from '../../../platforms/sqlite/store.ts';
import { put } from '../../../platforms/store.ts';
import { SimulatedClock, until } from '../../support/clock.ts';
import { executionsOn } from './executions-on.ts';

let database: Database;
let store: SqliteStore;
beforeEach(() => {
  database = Database.inMemory();
  store = new SqliteStore(database);
});
afterEach(() => database.close());

const setFull = (full: boolean): void => {
  const pages = Number(database.sql.get('PRAGMA page_count')?.['page_count']);
  database.sql.get(`PRAGMA max_page_count = ${pages + (full ? 2 : 100_000)}`);
};

const small = (sk: string) => ({ pk: 'A', sk });
const large = (sk: string) => ({ pk: 'A', sk, text: 'x'.repeat(100_000) });
const kept = async () => (await store.range('A')).items.map(({ sk }) => sk);

test('a full disk refuses writes, keeps what was committed, and needs no restart', async () => {
  await store.write([put(large('before'))]);
  setFull(true);
  await expect(store.write([put(small('a')), put(large('b'))])).rejects.toThrow(DiskFailure);
  await expect(store.update(small('before'), { set: { text: 'y'.repeat(200_000) } })).rejects.toThrow(
    'cannot write to the database: database or disk is full',
  );
  expect(await kept()).toEqual(['before']);
  expect(await store.get(small('before'))).toEqual(large('before'));
  await store.write([put(small('fits'))]);
  setFull(false);
  await store.write([put(large('after'))]);
  expect(await kept()).toEqual(['after', 'before', 'fits']);
});

test('of transactions that are committed together, none counts if the disk is full', async () => {
  setFull(true);
  const requests = [small('a'), large('b'), small('c')].map((item) => ({
    name: 'store.write' as const,
    args: { writes: [put(item)] },
  }));
  expect(commitTogether(database.sql, requests)).toEqual(
    requests.map(() => ({ ok: false, error: expect.objectContaining({ code: 13 }) })),
  );
  expect(await kept()).toEqual([]);
  setFull(false);
  expect(commitTogether(database.sql, requests)).toEqual(requests.map(() => ({ ok: true, result: { ok: true } })));
});

test('a message that was sent before is processed when there is room again, and one that was refused is not', async () => {
  const clock = new SimulatedClock();
  const errors: unknown[] = [];
  const queues = new SqliteQueues(database, {
    queues: { work: { ordered: true } },
    clock,
    onError: (error) => errors.push(error),
  });
  await queues.send('work', [{ group: 'A', id: '1', body: 'accepted' }]);
  setFull(true);
  await expect(queues.send('work', [{ group: 'B', id: '2', body: 'x'.repeat(100_000) }])).rejects.toThrow(DiskFailure);
  const { stop } = queues.consume('work', {
    consumer: async ({ messages }) => {
      for (const { body } of messages) await store.write([put(large(body))]);
      return [];
    },
    batchSize: 10,
    concurrency: 1,
    maxDeliveries: 16,
    timeoutMs: 20_000,
  });
  await until(() => errors.length > 0);
  expect(await kept()).toEqual([]);
  setFull(false);
  await until(async () => {
    clock.advance(1000);
    return (await kept()).length > 0;
  });
  expect(await kept()).toEqual(['accepted']);
  await until(async () => Object.values(await queues.counts('work')).every((count) => count === 0));
  await stop();
});

test('executions continue when there is room again, if the disk was full when the product started', async () => {
  const began: unknown[] = [];
  const events: unknown[] = [];
  const executions = executionsOn(database, async (input) => void began.push(input), {
    log: (entry) => void events.push((entry as { event?: string }).event),
  });
  await executions.start('waits', { of: 'before' });
  vi.spyOn(database, 'write').mockRejectedValueOnce(
    new DiskFailure({ name: 'Error', message: 'disk I/O error', code: 10 }),
  );
  await executions.resume();
  expect(began).toEqual([]);
  expect(events).toContain('resume-failed');
  await until(() => began.length > 0);
  expect(began).toEqual([{ of: 'before' }]);
  await executions.close();
});
