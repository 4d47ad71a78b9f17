import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { SqliteCommits } from '../../../platforms/sqlite/commits.ts';
import { Database } from '../../../platforms/sqlite/database.ts';
import { SqliteStore } from '../../../platforms/sqlite/store.ts';
import { put } from '../../../platforms/store.ts';

test('a listener is called once after one or more commits of any thread, until it stops listening', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-commits-'));
  const file = join(folder, 'data.sqlite');
  const [own, other] = [await Database.open(file), await Database.open(file)];
  try {
    const commits = new SqliteCommits(own);
    const told = vi.fn<() => void>();
    const stop = commits.onCommit(told);
    for (const [n, database] of [own, other].entries()) {
      await new SqliteStore(database).write([put({ pk: `${n}`, sk: 'a' }), put({ pk: `${n}`, sk: 'b' })]);
      await expect.poll(() => told.mock.calls.length).toBe(n + 1);
    }
    stop();
    const later = vi.fn<() => void>();
    await new SqliteStore(other).write([put({ pk: 'later', sk: 'a' })]);
    const stopLater = commits.onCommit(later);
    await new SqliteStore(other).write([put({ pk: 'later', sk: 'b' })]);
    await expect.poll(() => later.mock.calls.length).toBe(1);
    expect(told).toHaveBeenCalledTimes(2);
    stopLater();
  } finally {
    await Promise.all([own.close(), other.close()]);
    await rm(folder, { recursive: true });
  }
});
