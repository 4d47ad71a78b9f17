import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database } from '../../../platforms/sqlite/database.ts';
import { SqliteQueues } from '../../../platforms/sqlite/queues.ts';
import { SimulatedClock } from '../../support/clock.ts';
import { MAX_DELIVERIES, type OpenQueues, TEST_QUEUES } from '../queues-conformance.ts';

/** @param consuming the database of what consumes. Default: of what sends */
function open(database: Database, remove: () => Promise<void>, consuming = database): OpenQueues {
  const clock = new SimulatedClock();
  let settled = 0;
  const write: Database['write'] = async (name, args) => {
    const result = await consuming.write(name, args);
    if (name === 'queues.settle') settled += 1;
    return result;
  };
  const settings = { queues: TEST_QUEUES, clock, onError: () => undefined };
  const consumed = new SqliteQueues({ sql: consuming.sql, write }, settings);
  const queues = consuming === database ? consumed : new SqliteQueues(database, settings);
  consuming.onNews((news) => news.queues.forEach((queue) => consumed.deliver(queue)));
  const stops: (() => Promise<void>)[] = [];
  return {
    queues,
    consume: (queue, options) => {
      const { stop } = consumed.consume(queue, { ...options, maxDeliveries: MAX_DELIVERIES, timeoutMs: 3_600_000 });
      stops.push(stop);
      return { stop };
    },
    now: clock.now,
    advance: (milliseconds) => clock.advance(milliseconds),
    settled: () => settled,
    dead: async (queue) => (await queues.counts(queue)).dead ?? 0,
    close: async () => {
      clock.advance(7_200_000); // ends the batches that a test does not answer
      await Promise.all(stops.map((stop) => stop()));
      if (consuming !== database) await consuming.close();
      await database.close();
      await remove();
    },
  };
}

export const openInMemory = async (): Promise<OpenQueues> => open(Database.inMemory(), async () => undefined);

export async function openFile(): Promise<OpenQueues> {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-queues-'));
  return open(await Database.open(join(folder, 'firebreak.sqlite')), () => rm(folder, { recursive: true }));
}

/** Consumes in another thread than the one that sends. */
export async function openForThread(): Promise<OpenQueues> {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-queues-'));
  const file = join(folder, 'firebreak.sqlite');
  const database = await Database.open(file);
  return open(database, () => rm(folder, { recursive: true }), await Database.join(file, database.share()));
}
