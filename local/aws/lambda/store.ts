import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { EXECUTIONS_FORMAT, unreadable } from '../../state/formats.ts';
import type { HistoryEvent } from './durable/history.ts';
import type { ErrorObject, Operation } from './durable/operation.ts';
import type { TimerKind } from './durable/transitions.ts';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'STOPPED';

/** A durable execution. Times are milliseconds since the Unix epoch, except for `clock` (see clock.ts). */
export type ExecutionRow = {
  arn: string;
  functionName: string;
  version: string;
  name: string;
  /** The ID of its EXECUTION operation. */
  rootId: string;
  status: ExecutionStatus;
  inputHash: string;
  startedAt: number;
  endedAt: number | null;
  result: string | null;
  error: string | null;
  /** A result that the handler checkpointed because it was too large to return. */
  checkpointedResult: string | null;
  /** The running invocation, and the token for its checkpoints. */
  invocationId: string | null;
  invocationStartedAt: number | null;
  token: string | null;
  /** 1 if the handler must be invoked. */
  wake: number;
  /** The number of operation changes. The handler has received all up to `toldSeq`. */
  seq: number;
  toldSeq: number;
  /** Consecutive invocations that ended by an exception, a timeout, or a crash. */
  failures: number;
  lastEventId: number;
  operationCount: number;
  storedBytes: number;
  clock: number;
  clockSetAt: number;
  /** The execution ARN and operation ID of the chained invoke that started it. */
  parentArn: string | null;
  parentOperationId: string | null;
  /** 1 if started by an Event invoke. If the execution fails, its input goes to the dead-letter queue. */
  asyncStart: number;
  traceId: string | null;
  tenantId: string | null;
};

export type TimerRow = { arn: string; operationId: string; kind: TimerKind; dueClock: number; dueAt: number };

/** An accepted but unfinished invocation of a plain function. */
export type PendingInvoke = {
  id: string;
  functionName: string;
  version: string;
  payload: string;
  traceId: string | null;
  tenantId: string | null;
  attempts: number;
  dueAt: number;
  acceptedAt: number;
  parentArn: string | null;
  parentOperationId: string | null;
};

/** An undelivered message for a dead-letter queue. */
export type DeadLetter = {
  id: number;
  queueUrl: string;
  body: string;
  requestId: string;
  errorCode: string;
  errorMessage: string;
};

const SCHEMA = `
  CREATE TABLE executions (
    arn TEXT PRIMARY KEY, functionName TEXT NOT NULL, version TEXT NOT NULL, name TEXT NOT NULL, rootId TEXT NOT NULL,
    status TEXT NOT NULL, inputHash TEXT NOT NULL, startedAt REAL NOT NULL, endedAt REAL, result TEXT, error TEXT,
    checkpointedResult TEXT, invocationId TEXT, invocationStartedAt REAL, token TEXT, wake INTEGER NOT NULL,
    seq INTEGER NOT NULL, toldSeq INTEGER NOT NULL, failures INTEGER NOT NULL, lastEventId INTEGER NOT NULL,
    operationCount INTEGER NOT NULL, storedBytes INTEGER NOT NULL, clock REAL NOT NULL, clockSetAt REAL NOT NULL,
    parentArn TEXT, parentOperationId TEXT, asyncStart INTEGER NOT NULL, traceId TEXT, tenantId TEXT,
    UNIQUE (functionName, name)
  ) STRICT;
  CREATE INDEX executions_to_wake ON executions (startedAt) WHERE wake = 1 AND invocationId IS NULL;
  CREATE INDEX executions_closed ON executions (functionName, endedAt) WHERE endedAt IS NOT NULL;
  CREATE TABLE operations (
    ordinal INTEGER PRIMARY KEY, arn TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL,
    UNIQUE (arn, id)
  ) STRICT;
  CREATE INDEX operations_changed ON operations (arn, seq);
  CREATE TABLE events (
    arn TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (arn, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE timers (
    arn TEXT NOT NULL, operationId TEXT NOT NULL, kind TEXT NOT NULL, dueClock REAL NOT NULL, dueAt REAL NOT NULL,
    PRIMARY KEY (arn, operationId, kind)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX timers_due ON timers (dueAt);
  CREATE TABLE pendingInvokes (
    id TEXT PRIMARY KEY, functionName TEXT NOT NULL, version TEXT NOT NULL, payload TEXT NOT NULL, traceId TEXT,
    tenantId TEXT, attempts INTEGER NOT NULL, dueAt REAL NOT NULL, acceptedAt REAL NOT NULL, parentArn TEXT,
    parentOperationId TEXT
  ) STRICT;
  CREATE INDEX pendingInvokes_due ON pendingInvokes (dueAt);
  CREATE TABLE deadLetters (
    id INTEGER PRIMARY KEY, queueUrl TEXT NOT NULL, body TEXT NOT NULL, requestId TEXT NOT NULL,
    errorCode TEXT NOT NULL, errorMessage TEXT NOT NULL
  ) STRICT;
  PRAGMA user_version = ${EXECUTIONS_FORMAT};
`;

/**
 * Stores the complete state in one SQLite file. A transaction that has returned survives a `kill -9`.
 *
 * This class only reads and writes rows; other modules interpret them.
 */
export class Store {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /**
   * @param file path of the database, which is created if it is missing
   * @throws Error if another version wrote it, or it can't be opened
   */
  constructor(file: string) {
    this.#db = new DatabaseSync(file);
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    const { user_version: version } = this.#db.prepare('PRAGMA user_version').get() as { user_version: number };
    if (version === 0) this.transaction(() => this.#db.exec(SCHEMA));
    else if (version !== EXECUTIONS_FORMAT) {
      this.#db.close();
      throw unreadable(file, version, EXECUTIONS_FORMAT);
    }
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  /** Runs `work` completely or not at all. `work` is synchronous, so transactions never overlap. */
  transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const value = work();
      this.#db.exec('COMMIT');
      return value;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  // Executions

  execution(arn: string): ExecutionRow | undefined {
    return this.#row<ExecutionRow>('SELECT * FROM executions WHERE arn = ?', arn);
  }

  executionNamed(functionName: string, name: string): ExecutionRow | undefined {
    return this.#row<ExecutionRow>('SELECT * FROM executions WHERE functionName = ? AND name = ?', functionName, name);
  }

  insertExecution(row: ExecutionRow): void {
    const columns = Object.keys(row);
    this.#run(
      `INSERT INTO executions (${columns.join()}) VALUES (${columns.map(() => '?').join()})`,
      ...Object.values(row),
    );
  }

  updateExecution(row: ExecutionRow): void {
    const { arn, ...rest } = row;
    const assignments = Object.keys(rest).map((column) => `${column} = ?`);
    this.#run(`UPDATE executions SET ${assignments.join()} WHERE arn = ?`, ...Object.values(rest), arn);
  }

  /** Returns executions whose handler must be invoked, oldest first, without those of the functions in `except`. */
  toWake(limit: number, except: readonly string[]): Pick<ExecutionRow, 'arn' | 'functionName'>[] {
    return this.#rows(
      `SELECT arn, functionName FROM executions WHERE wake = 1 AND invocationId IS NULL
       AND functionName NOT IN (SELECT value FROM json_each(?)) ORDER BY startedAt LIMIT ?`,
      JSON.stringify(except),
      limit,
    );
  }

  /** Returns executions whose handler was running when the process ended. */
  interrupted(): string[] {
    return this.#rows<{ arn: string }>('SELECT arn FROM executions WHERE invocationId IS NOT NULL').map(
      ({ arn }) => arn,
    );
  }

  listExecutions(
    functionName: string,
  ): Pick<ExecutionRow, 'arn' | 'name' | 'version' | 'status' | 'startedAt' | 'endedAt'>[] {
    return this.#rows(
      `SELECT arn, name, version, status, startedAt, endedAt FROM executions
       WHERE functionName = ? ORDER BY startedAt, rowid`,
      functionName,
    );
  }

  /** Deletes up to `limit` executions of a function that ended before `endedBefore`, which frees their names. */
  prune(functionName: string, endedBefore: number, limit: number): number {
    const old = this.#rows<{ arn: string }>(
      'SELECT arn FROM executions WHERE functionName = ? AND endedAt < ? LIMIT ?',
      functionName,
      endedBefore,
      limit,
    );
    for (const { arn } of old) {
      for (const table of ['operations', 'events', 'timers', 'executions'])
        this.#run(`DELETE FROM ${table} WHERE arn = ?`, arn);
    }
    return old.length;
  }

  // Operations

  operation(arn: string, id: string): Operation | undefined {
    const row = this.#row<{ body: string }>('SELECT body FROM operations WHERE arn = ? AND id = ?', arn, id);
    return row && (JSON.parse(row.body) as Operation);
  }

  /** Returns all operations in order of creation: the execution first, and a parent before its children. */
  operations(arn: string): Operation[] {
    return this.#rows<{ body: string }>('SELECT body FROM operations WHERE arn = ? ORDER BY ordinal', arn).map(
      parseBody,
    );
  }

  operationsChangedSince(arn: string, seq: number): Operation[] {
    return this.#rows<{ body: string }>(
      'SELECT body FROM operations WHERE arn = ? AND seq > ? ORDER BY seq, ordinal',
      arn,
      seq,
    ).map(parseBody);
  }

  putOperation(arn: string, seq: number, operation: Operation): void {
    this.#run(
      `INSERT INTO operations (arn, id, seq, body) VALUES (?, ?, ?, ?)
       ON CONFLICT (arn, id) DO UPDATE SET seq = excluded.seq, body = excluded.body`,
      arn,
      operation.id,
      seq,
      JSON.stringify(operation),
    );
  }

  // History

  insertEvent(arn: string, id: number, entry: HistoryEvent): void {
    this.#run('INSERT INTO events (arn, id, body) VALUES (?, ?, ?)', arn, id, JSON.stringify(entry));
  }

  /** Returns at most `limit` events after number `from`, or before it with `reverse`. */
  events(arn: string, from: number, limit: number, reverse: boolean): { id: number; entry: HistoryEvent }[] {
    const sql = reverse
      ? 'SELECT id, body FROM events WHERE arn = ? AND id < ? ORDER BY id DESC LIMIT ?'
      : 'SELECT id, body FROM events WHERE arn = ? AND id > ? ORDER BY id LIMIT ?';
    return this.#rows<{ id: number; body: string }>(sql, arn, from, limit).map(({ id, body }) => ({
      id,
      entry: JSON.parse(body) as HistoryEvent,
    }));
  }

  // Timers

  putTimer(timer: TimerRow): void {
    this.#run(
      'INSERT OR REPLACE INTO timers (arn, operationId, kind, dueClock, dueAt) VALUES (?, ?, ?, ?, ?)',
      timer.arn,
      timer.operationId,
      timer.kind,
      timer.dueClock,
      timer.dueAt,
    );
  }

  timers(arn: string): TimerRow[] {
    return this.#rows('SELECT * FROM timers WHERE arn = ? ORDER BY dueClock', arn);
  }

  deleteTimer(arn: string, operationId: string, kind: TimerKind): void {
    this.#run('DELETE FROM timers WHERE arn = ? AND operationId = ? AND kind = ?', arn, operationId, kind);
  }

  deleteTimers(arn: string): void {
    this.#run('DELETE FROM timers WHERE arn = ?', arn);
  }

  executionsWithTimersDue(now: number): string[] {
    return this.#rows<{ arn: string }>('SELECT DISTINCT arn FROM timers WHERE dueAt <= ?', now).map(({ arn }) => arn);
  }

  nextTimerAt(): number | undefined {
    return this.#row<{ at: number | null }>('SELECT MIN(dueAt) AS at FROM timers')?.at ?? undefined;
  }

  // Invocations of plain functions

  insertPendingInvoke(invoke: PendingInvoke): void {
    const columns = Object.keys(invoke);
    this.#run(
      `INSERT INTO pendingInvokes (${columns.join()}) VALUES (${columns.map(() => '?').join()})`,
      ...Object.values(invoke),
    );
  }

  pendingInvokesDue(now: number): PendingInvoke[] {
    return this.#rows('SELECT * FROM pendingInvokes WHERE dueAt <= ? ORDER BY dueAt, acceptedAt, rowid', now);
  }

  nextPendingInvokeAt(after: number): number | undefined {
    return (
      this.#row<{ at: number | null }>('SELECT MIN(dueAt) AS at FROM pendingInvokes WHERE dueAt > ?', after)?.at ??
      undefined
    );
  }

  postponePendingInvoke(id: string, attempts: number, dueAt: number): void {
    this.#run('UPDATE pendingInvokes SET attempts = ?, dueAt = ? WHERE id = ?', attempts, dueAt, id);
  }

  deletePendingInvoke(id: string): void {
    this.#run('DELETE FROM pendingInvokes WHERE id = ?', id);
  }

  // Dead letters

  insertDeadLetter({ queueUrl, body, requestId, errorCode, errorMessage }: Omit<DeadLetter, 'id'>): void {
    this.#run(
      'INSERT INTO deadLetters (queueUrl, body, requestId, errorCode, errorMessage) VALUES (?, ?, ?, ?, ?)',
      queueUrl,
      body,
      requestId,
      errorCode,
      errorMessage,
    );
  }

  deadLetters(): DeadLetter[] {
    return this.#rows('SELECT * FROM deadLetters ORDER BY id');
  }

  deleteDeadLetter(id: number): void {
    this.#run('DELETE FROM deadLetters WHERE id = ?', id);
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#prepared(sql).run(...values);
  }

  #row<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values) as Row | undefined;
  }

  #rows<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...values) as Row[];
  }

  #prepared(sql: string): StatementSync {
    const cached = this.#statements.get(sql);
    if (cached) return cached;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

const parseBody = ({ body }: { body: string }) => JSON.parse(body) as Operation;

export const errorOf = (row: ExecutionRow): ErrorObject | undefined =>
  row.error === null ? undefined : (JSON.parse(row.error) as ErrorObject);
