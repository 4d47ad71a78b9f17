import { once } from 'node:events';
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Database } from '../../../platforms/sqlite/database.ts';
import { until } from '../../support/clock.ts';

let folder: string;
let database: Database;
let writer: Worker;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-writer-'));
  const created = once(process, 'worker');
  database = await Database.open(join(folder, 'firebreak.sqlite'));
  [writer] = (await created) as [Worker];
});
afterEach(() => rm(folder, { recursive: true }));

const write = (sk: string) =>
  database.write('store.write', { writes: [{ kind: 'put', item: { pk: 'A', sk }, condition: undefined }] });

test('without the thread that writes, transactions are refused, and a close does not wait', async () => {
  await write('kept');
  const waiting = write('perhaps').catch(() => undefined); // it can be on disk before the thread ends
  await Promise.all([writer.terminate(), waiting]);
  expect((await database.failed).message).toBe('the thread that writes to the database has ended');
  await expect(write('later')).rejects.toThrow('has ended');
  await database.close();
});

test('a close leaves all in one file, also transactions that nobody waited for', async () => {
  const written = write('kept');
  await database.close();
  await written;
  expect(await readdir(folder)).toEqual(['firebreak.sqlite']);
  const after = new DatabaseSync(join(folder, 'firebreak.sqlite'), { readOnly: true });
  expect(after.prepare('SELECT sk FROM items').all()).toEqual([{ sk: 'kept' }]);
  after.close();
});

test('a transaction after a close is refused', async () => {
  await database.close();
  await expect(write('later')).rejects.toThrow('it is closed');
});

describe.each(['-wal', '-shm'])('a file of the log that is deleted (%s)', (suffix) => {
  test('ends the thread, after all that was committed is in the database', async () => {
    await write('before');
    await rm(join(folder, `firebreak.sqlite${suffix}`));
    // The one that notices it is answered; others may arrive after the end.
    const isAnswered = (sk: string) =>
      write(sk).then(
        () => [sk],
        () => [],
      );
    const answered = (await Promise.all([isAnswered('while it is gone'), isAnswered('also')])).flat();
    const { message } = await database.failed;
    expect(message).toContain(`firebreak.sqlite${suffix} was deleted or replaced`);
    await expect(write('later')).rejects.toThrow('was deleted or replaced');
    // As after a crash: nothing but the file is left.
    const copy = join(folder, 'copy.sqlite');
    await copyFile(join(folder, 'firebreak.sqlite'), copy);
    const after = new DatabaseSync(copy, { readOnly: true });
    const kept = after
      .prepare('SELECT sk FROM items')
      .all()
      .map((row) => row['sk']);
    expect(kept).toEqual(expect.arrayContaining(['before', ...answered]));
    after.close();
    await database.close();
  });
});

describe('with another thread', () => {
  const joined = () => Database.join(join(folder, 'firebreak.sqlite'), database.share());
  const send = (from: Database, queue: string) =>
    from.write('queues.send', {
      queue,
      messages: [{ body: '', group: undefined, id: undefined, dueAt: 0 }],
      now: 0,
    });

  test('each sees what the other has committed, and gets news only of the other', async () => {
    const other = await joined();
    const news: unknown[] = [];
    other.onNews((one) => news.push(one));
    await send(other, 'own');
    await Promise.all([send(database, 'urgent'), send(database, 'urgent'), write('kept')]);
    await until(() => news.length > 0);
    expect(news.length).toBeLessThanOrEqual(2);
    expect(new Set(news)).toEqual(new Set([{ queues: ['urgent'], executions: [] }]));
    expect(other.sql.all('SELECT queue FROM messages')).toHaveLength(3);
    expect(database.sql.all('SELECT queue FROM messages')).toHaveLength(3);
    await other.close();
    await send(database, 'urgent');
    await expect(send(other, 'own')).rejects.toThrow('it is closed');
    await database.close();
  });

  test('the end of the thread that writes ends both', async () => {
    const other = await joined();
    await send(other, 'own');
    await writer.terminate();
    expect((await other.failed).message).toBe('the thread that writes to the database has ended');
    await expect(send(other, 'own')).rejects.toThrow('has ended');
  });
});
