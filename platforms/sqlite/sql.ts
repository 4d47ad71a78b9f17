import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { DatabaseDamaged, isDamage, sqliteCode } from './errors.ts';

export type SqlValue = SQLInputValue;
export type SqlRow = Record<string, SQLOutputValue>;

/** Called with each damage that a read or a transaction finds. */
export type OnDamage = (error: DatabaseDamaged) => void;

/** Statements of one connection, each prepared once. */
export class Sql {
  readonly #database: DatabaseSync;
  readonly #onDamage: OnDamage;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, onDamage: OnDamage = () => undefined) {
    this.#database = database;
    this.#onDamage = onDamage;
  }

  /** @returns the number of changed rows */
  run(sql: string, ...values: SqlValue[]): number {
    try {
      return Number(this.#prepared(sql).run(...values).changes);
    } catch (error) {
      throw this.#named(error);
    }
  }

  get(sql: string, ...values: SqlValue[]): SqlRow | undefined {
    try {
      return this.#prepared(sql).get(...values);
    } catch (error) {
      throw this.#named(error);
    }
  }

  all(sql: string, ...values: SqlValue[]): SqlRow[] {
    try {
      return this.#prepared(sql).all(...values);
    } catch (error) {
      throw this.#named(error);
    }
  }

  /** Returns rows one by one. No other statement with the same text may run until the end. */
  *iterate(sql: string, ...values: SqlValue[]): Iterable<SqlRow> {
    try {
      yield* this.#prepared(sql).iterate(...values);
    } catch (error) {
      throw this.#named(error);
    }
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    return statement;
  }

  /** Returns the error, or, if it means damage, one that says so. */
  #named(error: unknown): unknown {
    const code = sqliteCode(error);
    if (!isDamage(code) || !(error instanceof Error) || error instanceof DatabaseDamaged) return error;
    const message = `the database is damaged (${error.message}): restore a backup (docs/how-to/backup.md)`;
    const damage = new DatabaseDamaged(message, code, { cause: error });
    this.#onDamage(damage);
    return damage;
  }
}
