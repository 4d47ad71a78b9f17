import type { DatabaseSync } from 'node:sqlite';

/** Runs work within a transaction; see `groupCommit`. */
export type GroupCommit = {
  /** Resolves with the result of `work` when it is on disk. An exception in `work` undoes only that work. */
  run<T>(work: () => T): Promise<T>;
  /** Commits waiting work and refuses later work. */
  close(): void;
};

type Job = { attempt: () => () => void; fail: (error: unknown) => void };

/**
 * Commits all work that arrives within one turn of the event loop in one transaction, so that a burst of requests needs
 * only one sync to disk. During a sync, the next burst collects in the sockets' buffers.
 */
export function groupCommit(db: DatabaseSync): GroupCommit {
  let waiting: Job[] = [];
  let closed = false;

  const flush = (): void => {
    const jobs = waiting;
    waiting = [];
    if (jobs.length === 0) return;
    try {
      db.exec('BEGIN IMMEDIATE');
      const answers = jobs.map((job) => job.attempt());
      db.exec('COMMIT');
      // after the commit, because a response guarantees that the work is on disk
      for (const answer of answers) answer();
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      for (const job of jobs) job.fail(error);
    }
  };

  return {
    run: (work) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new Error('the SQS emulation is stopped and accepts no more requests'));
        if (waiting.length === 0) setImmediate(flush);
        waiting.push({
          fail: reject,
          attempt: () => {
            const outcome = inSavepoint(db, work);
            return () => ('error' in outcome ? reject(outcome.error) : resolve(outcome.value));
          },
        });
      }),
    close: () => {
      closed = true;
      flush();
    },
  };
}

function inSavepoint<T>(db: DatabaseSync, work: () => T): { value: T } | { error: Error } {
  db.exec('SAVEPOINT job');
  try {
    const value = work();
    db.exec('RELEASE job');
    return { value };
  } catch (error) {
    db.exec('ROLLBACK TO job');
    db.exec('RELEASE job');
    return {
      error: error instanceof Error ? error : new Error('a value that is not an Error was thrown', { cause: error }),
    };
  }
}
