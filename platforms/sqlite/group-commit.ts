import { SQLITE, sqliteCode } from './errors.ts';
import type { Sql } from './sql.ts';
import { type Outcome, type Refusal, type Request, runTransaction } from './transactions.ts';

/**
 * Runs transactions in order, each in a savepoint of its own, and commits them together: one flush to the disk for all.
 *
 * A transaction that fails changes nothing and does not affect the others. If the commit fails, all of them fail.
 */
export function commitTogether(sql: Sql, requests: readonly Request[]): Outcome[] {
  let began = false;
  try {
    sql.run('BEGIN IMMEDIATE');
    began = true;
    const outcomes = requests.map((request) => inSavepoint(sql, request));
    sql.run('COMMIT');
    return outcomes;
  } catch (error) {
    if (began) rollBack(sql, 'ROLLBACK');
    const refusal = refusalOf(error);
    return requests.map(() => ({ ok: false, error: refusal }));
  }
}

function inSavepoint(sql: Sql, request: Request): Outcome {
  sql.run('SAVEPOINT one');
  try {
    const result = runTransaction(sql, request);
    sql.run('RELEASE one');
    return { ok: true, result };
  } catch (error) {
    if (isOfTheFile(error)) throw error;
    sql.run('ROLLBACK TO one');
    sql.run('RELEASE one');
    return { ok: false, error: refusalOf(error) };
  }
}

/** SQLite may have rolled back by itself, for example if the disk is full. */
function rollBack(sql: Sql, statement: string): void {
  try {
    sql.run(statement);
  } catch {
    // nothing is open
  }
}

/** Errors after which the transaction as a whole cannot go on. */
const OF_THE_FILE = new Set<number | undefined>(Object.values(SQLITE));

const isOfTheFile = (error: unknown): boolean => OF_THE_FILE.has(sqliteCode(error));

export const refusalOf = (error: unknown): Refusal => ({
  name: error instanceof Error ? error.name : 'Error',
  message: error instanceof Error ? error.message : String(error),
  code: sqliteCode(error),
});
