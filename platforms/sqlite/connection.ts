import { DatabaseSync } from 'node:sqlite';
import { checkFormat, openingError, RECORD_FORMAT } from './format.ts';
import { type OnDamage, Sql } from './sql.ts';
import { SCHEMA } from './transactions.ts';

/** Milliseconds for another connection to end its write: only a backup or a person has one. */
const BUSY_MS = 5000;

/**
 * Opens the connection that writes, and creates what is missing in the file.
 *
 * @throws Error with the fix if the file cannot be used, or a newer version has written it. It is not changed then
 */
export function openWriting(file: string): { database: DatabaseSync; sql: Sql } {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS};`);
    checkFormat(database, file);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    // In one transaction, so that a crash leaves no tables without a format.
    database.exec(`BEGIN IMMEDIATE; ${SCHEMA} ${RECORD_FORMAT} COMMIT;`);
    return { database, sql: new Sql(database) };
  } catch (error) {
    database?.close();
    throw openingError(error, file);
  }
}

/** Opens a connection that sees all commits, and cannot write. */
export function openReading(file: string, onDamage?: OnDamage): { database: DatabaseSync; sql: Sql } {
  const database = new DatabaseSync(file, { readOnly: true });
  database.exec(`PRAGMA busy_timeout = ${BUSY_MS};`);
  return { database, sql: new Sql(database, onDamage) };
}

/**
 * Opens the only connection to a file, which reads without room on the disk: the index of the log is in memory, instead of
 * a file that others share. It cannot write.
 *
 * @throws Error if the file cannot be read, or another connection has it
 */
export function openAlone(file: string, onDamage?: OnDamage): { database: DatabaseSync; sql: Sql } {
  const database = new DatabaseSync(file);
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA locking_mode = EXCLUSIVE; PRAGMA query_only = ON;`);
    checkFormat(database, file);
    return { database, sql: new Sql(database, onDamage) };
  } catch (error) {
    database.close();
    throw openingError(error, file);
  }
}
