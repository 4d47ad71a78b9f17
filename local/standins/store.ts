import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The file that holds the journal, the faults and what each vendor knows. */
export type Store = {
  db: DatabaseSync;
  /**
   * Runs `work` in a transaction of its own, one at a time: all of it is kept, or, when it throws, nothing.
   * Must not be called from inside `work`, which would wait for itself.
   *
   * @throws Error after `close()`
   */
  unit<T>(work: () => T | Promise<T>): Promise<T>;
  /** Lets the units that have begun finish, then closes the file. */
  close(): Promise<void>;
};

/**
 * Opens (or creates) `standins.sqlite` in `dir`. A `kill -9` loses nothing that was answered; a power cut may, which is no
 * loss to anybody but a sandbox, and saves a wait for the disk at every call.
 *
 * @param tables DDL that may run again on a file which has the tables already
 */
export function openStore(dir: string, tables: readonly string[]): Store {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(join(dir, 'standins.sqlite'));
  db.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma busy_timeout = 5000');
  db.exec(['begin immediate', ...tables, 'commit'].join(';\n'));

  let last: Promise<unknown> = Promise.resolve();
  let closed = false;

  const transaction = async <T>(work: () => T | Promise<T>): Promise<T> => {
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
    unit<T>(work: () => T | Promise<T>): Promise<T> {
      if (closed) return Promise.reject(new Error('the stand-ins are closed'));
      const mine = last.then(() => transaction(work));
      last = mine.catch(() => undefined);
      return mine;
    },
    async close() {
      closed = true;
      await last;
      db.close();
    },
  };
}
