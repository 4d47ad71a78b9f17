import type { DatabaseSync } from 'node:sqlite';

/** Runs work inside a transaction; see `groupCommit`. */
export type GroupCommit = {
  /** Resolves with what `work` returned once it is on disk. A throw of `work` undoes only that work. */
  run<T>(work: () => T): Promise<T>;
  /** Commits what waits and refuses what comes later. */
  close(): void;
};

type Job = { attempt: () => () => void; fail: (error: unknown) => void };

/**
 * Puts everything that arrives within one turn of the event loop into one transaction, so that a burst of requests
 * costs one sync to disk instead of one each. While a sync blocks, the next burst gathers in the sockets' buffers.
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
      for (const answer of answers) answer(); // only now: an answer promises that the work is on disk
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      for (const job of jobs) job.fail(error);
    }
  };

  return {
    run: (work) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new Error('the SQS emulation has been stopped; nothing more is accepted'));
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
    return { error: error instanceof Error ? error : new Error('not an error was thrown', { cause: error }) };
  }
}
