import type { ErrorObject } from '@aws/durable-execution-sdk-js';
import { EXECUTION_LIMITS as LIMITS } from '../limits.ts';
import {
  after,
  type At,
  bytes,
  type Change,
  checkUpdates,
  completed,
  due,
  type Operation,
  operationOf,
  storedBytes,
  type Update,
  updated,
} from './operations.ts';
import { continueTime, noteTime } from './passed-time.ts';
import type { Sql, SqlRow } from './sql.ts';

/**
 * - `wake_at`: when the handler must be invoked; null while it is, and while the execution waits
 * - `invocation`: number of the last one. Only it changes the execution, and only while `invoking`
 * - `seq`: number of changes of operations. Each operation has the number of its last change
 * - `due_at`: when a wait, the pause before an attempt, or the time for a callback ends
 */
export const EXECUTIONS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS executions (
    name TEXT PRIMARY KEY,
    input TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'running',
    started_at INTEGER NOT NULL,
    times_out_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT,
    wake_at INTEGER,
    invocation INTEGER NOT NULL DEFAULT 0,
    invoking INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    seq INTEGER NOT NULL DEFAULT 0,
    operations INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS executions_by_wake ON executions (wake_at) WHERE wake_at IS NOT NULL;
  CREATE INDEX IF NOT EXISTS executions_by_timeout ON executions (times_out_at) WHERE ended_at IS NULL;
  CREATE INDEX IF NOT EXISTS executions_by_end ON executions (ended_at) WHERE ended_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS operations (
    execution TEXT NOT NULL,
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    due_at INTEGER,
    operation TEXT NOT NULL,
    PRIMARY KEY (execution, id)
  );
  CREATE INDEX IF NOT EXISTS operations_by_change ON operations (execution, seq);
  CREATE INDEX IF NOT EXISTS operations_by_due ON operations (due_at) WHERE due_at IS NOT NULL;
`;

/** How a handler ended. `failed`: it threw, and is invoked again. `seen`: number of the last change that it got. */
export type InvocationEnd =
  | { kind: 'suspended'; seen: number }
  | { kind: 'failed' }
  | { kind: 'succeeded'; result: string | undefined }
  | { kind: 'ended'; error: ErrorObject };

export type Invocation = { name: string; invocation: number };

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** Operations that end in one transaction, so that others do not wait long. */
const DUE_AT_ONCE = 500;

/** Seconds until a handler is invoked again after it failed, doubling. */
const REDO_FIRST_SECONDS = 1;
const REDO_MAX_SECONDS = 60;

export const EXECUTION_TRANSACTIONS = {
  /**
   * Creates an execution, unless there is one of this name.
   *
   * @param begins its first invocation begins with it
   */
  'executions.start': (
    sql: Sql,
    {
      name,
      input,
      timeoutSeconds,
      begins,
      ...at
    }: { name: string; input: string; timeoutSeconds: number; begins: boolean } & At,
  ): { isNew: boolean; begun: Invocation | undefined } => {
    noteTime(sql, at.now);
    if (!NAME.test(name)) throw new RangeError('a name of an execution has 1 to 64 letters, digits, - and _');
    if (bytes(input) > LIMITS.inputBytes) throw new RangeError(`an input has at most ${LIMITS.inputBytes} bytes`);
    const inserted = sql.run(
      'INSERT OR IGNORE INTO executions (name, input, started_at, wake_at, times_out_at, bytes) VALUES (?, ?, ?, ?, ?, ?)',
      name,
      input,
      at.now,
      at.now,
      after(timeoutSeconds, at),
      bytes(input),
    );
    const isNew = inserted > 0;
    return { isNew, begun: isNew && begins ? begin(sql, name) : undefined };
  },

  /**
   * Ends what is due, and begins invocations of up to `limit` executions that must be continued.
   *
   * @returns `changed`: executions with operations that ended
   */
  'executions.advance': (
    sql: Sql,
    { now, limit }: { now: number; limit: number },
  ): { changed: string[]; timedOut: string[]; begun: Invocation[] } => {
    noteTime(sql, now);
    const changed = sql.all(
      'SELECT execution AS name, operation FROM operations WHERE due_at <= ? ORDER BY due_at, rowid LIMIT ?',
      now,
      DUE_AT_ONCE,
    );
    for (const row of changed) {
      const name = nameOf(row);
      change(sql, name, { operation: due(operationOf(row), now), dueAt: null });
      wake(sql, name, now);
    }
    const timedOut = sql
      .all('SELECT name FROM executions WHERE ended_at IS NULL AND times_out_at <= ?', now)
      .map(nameOf);
    for (const name of timedOut) {
      const error = { ErrorType: 'Execution.Timeout', ErrorMessage: 'Execution timed out' };
      end(sql, name, { status: 'failed', outcome: JSON.stringify({ Error: error }), now });
    }
    const waking = sql.all(
      'SELECT name FROM executions WHERE wake_at <= ? ORDER BY wake_at, rowid LIMIT ?',
      now,
      limit,
    );
    return { changed: changed.map(nameOf), timedOut, begun: waking.map((row) => begin(sql, nameOf(row))) };
  },

  /** Returns false if this invocation is over, or the execution has ended. Throws RangeError for an invalid update. */
  'executions.checkpoint': (
    sql: Sql,
    { name, invocation, updates, ...at }: Invocation & { updates: readonly Update[] } & At,
  ): boolean => {
    if (!isCurrent(sql, { name, invocation })) return false;
    noteTime(sql, at.now);
    checkUpdates(updates, (id) => find(sql, name, id));
    for (const update of updates) {
      sql.run('UPDATE executions SET bytes = bytes + ? WHERE name = ?', storedBytes(update), name);
      if (update.Type === 'EXECUTION') {
        const outcome = JSON.stringify({ Result: update.Payload, Error: update.Error });
        sql.run('UPDATE executions SET outcome = ? WHERE name = ?', outcome, name);
      } else change(sql, name, updated(update, find(sql, name, update.Id), callbackId(name, update.Id), at));
    }
    const totals = sql.get('SELECT operations, bytes FROM executions WHERE name = ?', name);
    if (Number(totals?.['operations']) > LIMITS.operations)
      throw new RangeError(`an execution has at most ${LIMITS.operations} operations`);
    if (Number(totals?.['bytes']) > LIMITS.storedBytes)
      throw new RangeError(`an execution stores at most ${LIMITS.storedBytes} bytes`);
    return true;
  },

  /** Returns false if the invocation was already over. */
  'executions.end': (sql: Sql, { name, invocation, how, ...at }: Invocation & { how: InvocationEnd } & At): boolean => {
    if (!isCurrent(sql, { name, invocation })) return false;
    noteTime(sql, at.now);
    sql.run('UPDATE executions SET invoking = 0 WHERE name = ?', name);
    switch (how.kind) {
      case 'suspended':
        sql.run(
          'UPDATE executions SET failures = 0, wake_at = iif(seq > ?, ?, NULL) WHERE name = ?',
          how.seen,
          at.now,
          name,
        );
        return true;
      case 'failed': {
        const row = sql.get('UPDATE executions SET failures = failures + 1 WHERE name = ? RETURNING failures', name);
        const pause = Math.min(REDO_FIRST_SECONDS * 2 ** (Number(row?.['failures']) - 1), REDO_MAX_SECONDS);
        sql.run('UPDATE executions SET wake_at = ? WHERE name = ?', after(pause, at), name);
        return true;
      }
      case 'succeeded':
        end(sql, name, { status: 'succeeded', outcome: JSON.stringify({ Result: how.result }), now: at.now });
        return true;
      case 'ended':
        end(sql, name, { status: 'failed', outcome: JSON.stringify({ Error: how.error }), now: at.now });
        return true;
    }
  },

  /** Changes nothing if the callback is closed, or does not exist. */
  'executions.complete': (sql: Sql, { callback, now }: { callback: string; now: number }): void => {
    const [name, id = ''] = [executionOf(callback), callback.split('.')[1]];
    const operation = find(sql, name, id);
    if (operation?.Type !== 'CALLBACK' || operation.Status !== 'STARTED' || !isRunning(sql, name)) return;
    change(sql, name, { operation: completed(operation, now), dueAt: null });
    wake(sql, name, now);
  },

  /** Continues the time of the process before, and executions whose invocations ended with it. Returns their number. */
  'executions.recover': (sql: Sql, { now }: { now: number }): number => {
    continueTime(sql, now);
    return sql.run('UPDATE executions SET invoking = 0, wake_at = ? WHERE invoking = 1', now);
  },

  /** Deletes executions that ended before a time. Returns their number. */
  'executions.prune': (sql: Sql, { endedBefore, limit }: { endedBefore: number; limit: number }): number => {
    const names = sql
      .all('SELECT name FROM executions WHERE ended_at < ? ORDER BY ended_at LIMIT ?', endedBefore, limit)
      .map(nameOf);
    for (const name of names) {
      sql.run('DELETE FROM operations WHERE execution = ?', name);
      sql.run('DELETE FROM executions WHERE name = ?', name);
    }
    return names.length;
  },
};

const callbackId = (name: string, id: string): string => `${name}.${id}`;

/** Returns the execution of a callback. */
export const executionOf = (callback: string): string => callback.split('.')[0] ?? '';

const nameOf = (row: SqlRow): string => String(row['name']);

function find(sql: Sql, name: string, id: string): Operation | undefined {
  const row = sql.get('SELECT operation FROM operations WHERE execution = ? AND id = ?', name, id);
  return row && operationOf(row);
}

const isRunning = (sql: Sql, name: string): boolean =>
  sql.get("SELECT 1 FROM executions WHERE name = ? AND status = 'running'", name) !== undefined;

const isCurrent = (sql: Sql, { name, invocation }: Invocation): boolean =>
  sql.get('SELECT 1 FROM executions WHERE name = ? AND invoking = 1 AND invocation = ?', name, invocation) !==
  undefined;

function change(sql: Sql, name: string, { operation, dueAt }: Change): void {
  const row = sql.get('UPDATE executions SET seq = seq + 1 WHERE name = ? RETURNING seq', name);
  const seq = Number(row?.['seq']);
  const text = JSON.stringify(operation);
  const changed = sql.run(
    'UPDATE operations SET seq = ?, due_at = ?, operation = ? WHERE execution = ? AND id = ?',
    seq,
    dueAt,
    text,
    name,
    operation.Id,
  );
  if (changed > 0) return;
  sql.run(
    'INSERT INTO operations (execution, id, seq, due_at, operation) VALUES (?, ?, ?, ?, ?)',
    name,
    operation.Id,
    seq,
    dueAt,
    text,
  );
  sql.run('UPDATE executions SET operations = operations + 1 WHERE name = ?', name);
}

/** A handler that runs gets the change with its next checkpoint, or is invoked again after it has suspended. */
function wake(sql: Sql, name: string, now: number): void {
  sql.run('UPDATE executions SET wake_at = ? WHERE name = ? AND invoking = 0', now, name);
}

function begin(sql: Sql, name: string): Invocation {
  const row = sql.get(
    'UPDATE executions SET wake_at = NULL, invoking = 1, invocation = invocation + 1 WHERE name = ? RETURNING invocation',
    name,
  );
  return { name, invocation: Number(row?.['invocation']) };
}

/** A result that was too large to return is already stored. */
function end(
  sql: Sql,
  name: string,
  { status, outcome, now }: { status: 'succeeded' | 'failed'; outcome: string; now: number },
): void {
  sql.run(
    `UPDATE executions SET status = ?, outcome = iif(? = 'succeeded', ifnull(outcome, ?), ?), ended_at = ?, wake_at = NULL, invoking = 0
     WHERE name = ?`,
    status,
    status,
    outcome,
    outcome,
    now,
    name,
  );
  sql.run('UPDATE operations SET due_at = NULL WHERE execution = ? AND due_at IS NOT NULL', name);
}
