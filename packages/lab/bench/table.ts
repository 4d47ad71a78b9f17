import { Database } from '../../../platforms/sqlite/database.ts';
import { SqliteStore } from '../../../platforms/sqlite/store.ts';
import { Table } from '../../../core/stores/table.ts';

/**
 * Runs something with the table of a product that does not run, or with an empty one in memory.
 *
 * @param file absent: in memory
 */
export async function withTable<T>(run: (table: Table) => Promise<T>, file?: string): Promise<T> {
  const database = file === undefined ? Database.inMemory() : await Database.open(file);
  try {
    return await run(new Table(new SqliteStore(database)));
  } finally {
    await database.close();
  }
}
