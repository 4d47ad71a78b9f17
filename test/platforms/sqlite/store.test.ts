import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database } from '../../../platforms/sqlite/database.ts';
import { SqliteStore } from '../../../platforms/sqlite/store.ts';
import { storeConformance } from '../store-conformance.ts';

storeConformance('SQLite in a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-store-'));
  const database = await Database.open(join(folder, 'firebreak.sqlite'));
  return {
    store: new SqliteStore(database),
    close: async () => {
      await database.close();
      await rm(folder, { recursive: true });
    },
  };
});
