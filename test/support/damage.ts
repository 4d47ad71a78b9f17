import { open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';

/** Overwrites the first page of a table or an index. */
export async function damage(file: string, name: string): Promise<void> {
  const database = new DatabaseSync(file);
  const pageBytes = Number(database.prepare('PRAGMA page_size').get()?.['page_size']);
  const page = Number(database.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(name)?.['rootpage']);
  database.close();
  const handle = await open(file, 'r+');
  await handle.write(Buffer.alloc(pageBytes, 0xee), 0, pageBytes, (page - 1) * pageBytes);
  await handle.close();
}
