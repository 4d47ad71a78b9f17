import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

/** What SQLite keeps beside a file: what is committed and not in the file yet, and its index. */
const SUFFIXES = ['-wal', '-shm'];

/**
 * Notices that a file of the log was deleted or replaced. SQLite goes on with the deleted one, so that all later commits
 * would be lost with the process.
 */
export class OpenLog {
  readonly #file: string;
  readonly #database: DatabaseSync;
  readonly #inodes: readonly (bigint | undefined)[];

  /** @param database has written to the file, so that the log exists */
  constructor(file: string, database: DatabaseSync) {
    this.#file = file;
    this.#database = database;
    this.#inodes = SUFFIXES.map((suffix) => inodeOf(file + suffix));
  }

  /** Moves all commits into the file if the log is gone, and returns why nothing more can be written. Undefined: it is there. */
  failure(): Error | undefined {
    const lost = SUFFIXES.find((suffix, n) => inodeOf(this.#file + suffix) !== this.#inodes[n]);
    if (lost === undefined) return undefined;
    const { busy, log, checkpointed } = this.#database.prepare('PRAGMA wal_checkpoint(FULL)').get() ?? {};
    const isSaved = busy === 0 && log === checkpointed;
    return new Error(
      `${this.#file}${lost} was deleted or replaced while Firebreak ran. ` +
        (isSaved
          ? 'All that was committed was moved into the database; start Firebreak again, and delete no files of the data folder'
          : 'Not all that was committed could be moved into the database; restore a backup if something is missing'),
    );
  }
}

const inodeOf = (path: string): bigint | undefined => statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
