import type { MessagePort } from 'node:worker_threads';
import { EXECUTION_TRANSACTIONS, executionOf, EXECUTIONS_SCHEMA } from './execution-transactions.ts';
import { QUEUE_SCHEMA, QUEUE_TRANSACTIONS } from './queue-transactions.ts';
import { PASSED_TIME_SCHEMA } from './passed-time.ts';
import type { Sql } from './sql.ts';
import { STORE_SCHEMA, STORE_TRANSACTIONS } from './store-transactions.ts';

/** What the parts of the platform keep in the file. */
export const SCHEMA = [STORE_SCHEMA, QUEUE_SCHEMA, EXECUTIONS_SCHEMA, PASSED_TIME_SCHEMA].join('\n');

/**
 * All transactions that write, by name. They run in the thread that owns the writing connection, so their arguments and
 * results are plain data, and each depends on nothing but the file and its arguments.
 */
export const TRANSACTIONS = { ...STORE_TRANSACTIONS, ...QUEUE_TRANSACTIONS, ...EXECUTION_TRANSACTIONS };

type Transactions = typeof TRANSACTIONS;
export type TransactionName = keyof Transactions;
export type Arguments<Name extends TransactionName> = Parameters<Transactions[Name]>[1];
export type Result<Name extends TransactionName> = ReturnType<Transactions[Name]>;

/** A transaction to run. */
export type Request = { name: TransactionName; args: unknown };

/** Its result, or why it changed nothing. */
export type Outcome = { ok: true; result: unknown } | { ok: false; error: Refusal };

/** An error as data. `code`: of SQLite's error, if it is one (`errors.ts`). */
export type Refusal = { name: string; message: string; code: number | undefined };

/** Runs one transaction; what it changes counts with the commit of its caller. */
export const runTransaction = (sql: Sql, { name, args }: Request): unknown =>
  (TRANSACTIONS[name] as (sql: Sql, args: unknown) => unknown)(sql, args);

/** What other threads must know of commits: the queues with new messages, and the executions to continue. */
export type News = { queues: readonly string[]; executions: readonly string[] };

/** Returns the news in transactions. Undefined: there are none. */
export function newsOf(transactions: readonly { request: Request; outcome: Outcome }[]): News | undefined {
  const queues = new Set<string>();
  const executions = new Set<string>();
  for (const { request, outcome } of transactions) {
    if (!outcome.ok) continue;
    const { name, args } = request;
    if (name === 'queues.send' || name === 'queues.redrive') queues.add((args as Arguments<typeof name>).queue);
    if (name === 'executions.start') executions.add((args as Arguments<typeof name>).name);
    if (name === 'executions.complete') executions.add(executionOf((args as Arguments<typeof name>).callback));
  }
  return queues.size + executions.size === 0 ? undefined : { queues: [...queues], executions: [...executions] };
}

/** Commits transactions that it gets at the same time together. */
export type Writer = {
  /** Start of the clock of all threads that use the file (`forwardClock`). */
  readonly clockStart: number;
  commit(request: Request): Promise<Outcome>;
  /** Returns a port for another thread, which writes through the same connection. */
  share(): MessagePort;
  onNews(listener: (news: News) => void): void;
  close(): Promise<void>;
  /** Resolves if it can no longer write. */
  failed: Promise<Error>;
};
