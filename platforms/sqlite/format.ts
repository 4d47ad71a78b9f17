import type { DatabaseSync } from 'node:sqlite';
import { SQLITE, sqliteCode } from './errors.ts';

/** Format of the file. Increment it with each change that an older version would misread, and set `FIRST_VERSION`. */
export const DATABASE_FORMAT = 1;

/** The first version of Firebreak that reads this format. The file contains it, so that an older version can name it. */
const FIRST_VERSION = '0.1.0';

/** `Frbk`, so that programs such as `file` can recognize the database. */
const APPLICATION_ID = 0x4672626b;

const RESTORE = 'restore a backup into an empty data folder (docs/how-to/backup.md)';

/** Records the format, also in a file that has it: SQLite reports only at a write that a file is read-only. */
export const RECORD_FORMAT = `
  CREATE TABLE IF NOT EXISTS firebreak (first_version TEXT NOT NULL);
  DELETE FROM firebreak;
  INSERT INTO firebreak VALUES ('${FIRST_VERSION}');
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${DATABASE_FORMAT};
`;

/** @throws Error if a newer version, or another program, has written the file */
export function checkFormat(database: DatabaseSync, file: string): void {
  const found = numberOf(database, 'user_version');
  if (numberOf(database, 'application_id') === APPLICATION_ID) {
    if (found > DATABASE_FORMAT) throw new Error(newer(database, file, found));
    return;
  }
  const { tables } = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() ?? {};
  if (tables !== 0) throw new Error(`${file} is not a database of Firebreak: move it away, or ${RESTORE}`);
}

const numberOf = (database: DatabaseSync, pragma: string): number =>
  Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);

function newer(database: DatabaseSync, file: string, found: number): string {
  const needed = database.prepare('SELECT first_version FROM firebreak').get()?.['first_version'];
  return (
    `${file} was written by a newer version of Firebreak (format ${found}; this version reads format ${DATABASE_FORMAT}). ` +
    `Start Firebreak ${String(needed)} or newer, or restore the backup from before the upgrade: docs/how-to/backup.md`
  );
}

/**
 * Returns why a file could not be opened, with the fix.
 *
 * Only what SQLite reads to open the file is checked: its header, its size, and its list of tables. A check of all pages
 * would delay each start by seconds per gigabyte; a restore does it.
 */
export function openingError(error: unknown, file: string): unknown {
  const text = textOf(error, file);
  return text === undefined ? error : new Error(text, { cause: error });
}

function textOf(error: unknown, file: string): string | undefined {
  switch (sqliteCode(error)) {
    case SQLITE.noDatabase:
      return `${file} is not a database, or its first page is damaged: ${RESTORE}`;
    case SQLITE.corrupt:
      return `${file} is damaged or truncated: ${RESTORE}`;
    case SQLITE.readOnly:
    case SQLITE.cannotOpen:
      return `${file} cannot be opened for writing: the user of this process must be able to write to the file, and to its folder`;
    case SQLITE.full:
    case SQLITE.io:
      return `${file} cannot be written: check the free space and the health of its disk`;
    case SQLITE.busy:
      return `${file} is in use by another program: stop it`;
    case undefined:
    default:
      return undefined;
  }
}
