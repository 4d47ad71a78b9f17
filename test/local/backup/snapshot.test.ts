import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { objectStore } from '../../../local/aws/s3/objects.ts';
import { removeSnapshots, takeSnapshot } from '../../../local/backup/snapshot.ts';

const STORES = ['dynamodb', 'sqs', 'durable', 'standins'] as const;

function opened(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS numbers (n INTEGER)');
  return database;
}

const newest = (database: DatabaseSync): number =>
  Number(database.prepare('SELECT coalesce(max(n), 0) AS n FROM numbers').get()?.['n']);

test('contains all stores at one moment while all of them change', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-snapshot-'));
  const objects = await objectStore(join(dir, 's3'));
  await objects.createBucket('firebreak');
  const databases = STORES.map((name) => opened(join(dir, `${name}.sqlite`)));
  const stopped = new AbortController();
  let n = 0;
  // The first snapshot can be taken before the first step.
  await objects.put('firebreak', 'newest', Buffer.from('0'), { headers: {}, onlyIfNew: false });
  /** One unit of work: writes an object and then, in one turn, the references to it in each store. */
  const writing = (async () => {
    while (!stopped.signal.aborted) {
      await objects.put('firebreak', 'newest', Buffer.from(String(n + 1)), { headers: {}, onlyIfNew: false });
      n += 1;
      for (const database of databases) database.prepare('INSERT INTO numbers VALUES (?)').run(n);
      await turn();
    }
  })();
  try {
    for (let round = 1; round <= 20; round += 1) {
      const before = n;
      const { folder } = await takeSnapshot(dir, objects.hold);
      const seen = STORES.map((name) => {
        const copy = new DatabaseSync(join(folder, `${name}.sqlite`));
        const value = newest(copy);
        copy.close();
        return value;
      });
      const [number = -1] = seen;
      expect(seen).toEqual(STORES.map(() => number));
      expect(number).toBeGreaterThanOrEqual(before);
      // The object is written just before the rest, so it is that of this step or of the next.
      const kept = await objectStore(join(folder, 's3'));
      expect([number, number + 1]).toContain(Number((await kept.get('firebreak', 'newest')).content));
      await rm(folder, { recursive: true });
    }
    expect(n, 'work went on meanwhile').toBeGreaterThan(20);
  } finally {
    stopped.abort();
    await writing;
    for (const database of databases) database.close();
    await rm(dir, { recursive: true });
  }
});

test('a folder without one of the stores is refused', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-snapshot-'));
  await mkdir(join(dir, 's3'));
  for (const name of ['dynamodb', 'durable']) opened(join(dir, `${name}.sqlite`)).close();
  await expect(takeSnapshot(dir, (work) => work())).rejects.toThrow(`${dir} has no sqs.sqlite`);
  await rm(dir, { recursive: true });
});

test('leftovers of an interrupted backup are removed, and a snapshot in use is kept', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-snapshot-'));
  const [old, young] = [join(dir, 'snapshot-old'), join(dir, 'snapshot-young')];
  await Promise.all([old, young].map((folder) => mkdir(folder)));
  const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);
  await utimes(old, hoursAgo(25), hoursAgo(25));
  await utimes(young, hoursAgo(1), hoursAgo(1));
  await removeSnapshots(dir, 24 * 3_600_000);
  expect(await readdir(dir)).toEqual(['snapshot-young']);
  await removeSnapshots(dir, 0);
  expect(await readdir(dir)).toEqual([]);
  await rm(dir, { recursive: true });
});
