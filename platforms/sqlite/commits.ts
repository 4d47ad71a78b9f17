import type { Commits } from '../platform.ts';
import type { Database } from './database.ts';

/** A commit is noticed after at most this time. */
const POLL_EVERY_MS = 100;

/** Changes with each commit of another connection to the file, and with each change by the own one. Reads no page. */
const STATE = 'SELECT data_version, total_changes() AS own FROM pragma_data_version';

/**
 * Polls for commits of all threads while there are listeners. A message for each commit would cost time when there are many;
 * a poll costs microseconds, however many there are.
 */
export class SqliteCommits implements Commits {
  readonly #database: Database;
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #last = '';

  constructor(database: Database) {
    this.#database = database;
  }

  onCommit(listener: () => void): () => void {
    // A function that is registered twice is two listeners.
    const own = (): void => listener();
    this.#listeners.add(own);
    if (this.#timer === undefined) {
      this.#last = this.#state();
      this.#timer = setInterval(() => this.#poll(), POLL_EVERY_MS).unref();
    }
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size === 0) this.close();
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #poll(): void {
    const state = this.#state();
    if (state === this.#last) return;
    this.#last = state;
    for (const listener of this.#listeners) listener();
  }

  #state(): string {
    return JSON.stringify(this.#database.sql.all(STATE));
  }
}
