import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** The file with the journal, the faults, and the data of each vendor. */
export type Store = {
  db: DatabaseSync;
  /**
   * Runs `work` in its own transaction, one at a time. If it throws, the transaction is rolled back. Must not be called
   * from inside `work`, which would deadlock.
   *
   * @throws Error after `close()`
   */
  transaction<T>(work: () => T | Promise<T>): Promise<T>;
  /** Waits for running transactions, then closes the file. */
  close(): Promise<void>;
};

/**
 * Opens (or creates) `standins.sqlite` in `dir`. After a `kill -9`, all data in responses is preserved. A power failure
 * can lose data, which is acceptable for a sandbox and saves a disk flush per call.
 *
 * @param tables DDL that can run again on a file that already has the tables
 */
export function openStore(dir: string, tables: readonly string[]): Store {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const db = opened(join(dir, 'standins.sqlite'), tables);
  prepareOnce(db);

  let last: Promise<unknown> = Promise.resolve();
  let closed = false;

  const runTransaction = async <T>(work: () => T | Promise<T>): Promise<T> => {
    db.exec('begin immediate');
    try {
      const result = await work();
      db.exec('commit');
      return result;
    } catch (error) {
      db.exec('rollback');
      throw error;
    }
  };

  return {
    db,
    transaction<T>(work: () => T | Promise<T>): Promise<T> {
      if (closed) return Promise.reject(new Error('the stand-ins are closed'));
      const transaction = last.then(() => runTransaction(work));
      last = transaction.catch(() => undefined);
      return transaction;
    },
    async close() {
      closed = true;
      await last;
      db.close();
    },
  };
}

/** SQLite's numbers of errors of a disk that is full or faulty. */
const DISK_ERRORS = new Set<unknown>([10, 13]);

/** SQLite's numbers of errors of a file that is damaged or no database. */
const DAMAGE_ERRORS = new Set<unknown>([11, 26]);

/** Opens the file; on a full disk, a database in memory instead, because Firebreak starts there, too. */
function opened(file: string, tables: readonly string[]): DatabaseSync {
  const db = new DatabaseSync(file);
  try {
    db.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma busy_timeout = 5000');
    db.exec(['begin immediate', ...tables, 'commit'].join(';\n'));
    return db;
  } catch (error) {
    db.close();
    const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
    if (DAMAGE_ERRORS.has(code))
      throw new Error(`${file} is damaged: delete it; it has only what the sandbox shows`, { cause: error });
    if (file === ':memory:' || !DISK_ERRORS.has(code)) throw error;
    return opened(':memory:', tables);
  }
}

/**
 * Makes a connection prepare each statement once. The platform has a class for it, but the stand-ins of vendors import no
 * platform, and pass a plain connection on.
 */
function prepareOnce(db: DatabaseSync): void {
  const statements = new Map<string, StatementSync>();
  const prepare = db.prepare.bind(db);
  db.prepare = (sql) => {
    let statement = statements.get(sql);
    if (statement === undefined) statements.set(sql, (statement = prepare(sql)));
    return statement;
  };
}
