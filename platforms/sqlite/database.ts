import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { DatabaseSync } from 'node:sqlite';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { openReading, openWriting } from './connection.ts';
import { DatabaseDamaged, isDamage, SQLITE } from './errors.ts';
import { commitTogether } from './group-commit.ts';
import type { Sql } from './sql.ts';
import type { Arguments, News, Outcome, Refusal, Request, Result, TransactionName } from './transactions.ts';
import type { FromWriter, ToWriter, WriterData } from './writer.ts';

/** For tests: a transaction is about to be sent (`before`), or was committed, and its caller was not told (`after`). */
const transactions = channel('firebreak:transaction');

/** Thrown if the file does not accept a transaction. */
export class NotCommitted extends Error {
  override readonly name: string = 'NotCommitted';

  constructor({ message }: Refusal) {
    super(`cannot write to the database: ${message}`);
  }
}

/** Thrown if nothing can be written now, for example because the disk is full. Later, the same transaction can succeed. */
export class DiskFailure extends NotCommitted {
  override readonly name = 'DiskFailure';
}

const OF_THE_DISK = new Set<number | undefined>([SQLITE.full, SQLITE.io, SQLITE.readOnly, SQLITE.cannotOpen]);

/** Commits transactions that it gets at the same time together. */
type Writer = {
  commit(request: Request): Promise<Outcome>;
  /** Returns a port for another thread, which writes through the same connection. */
  share(): MessagePort;
  onNews(listener: (news: News) => void): void;
  close(): Promise<void>;
  /** Resolves if it can no longer write. */
  failed: Promise<Error>;
};

/** An SQLite database: reads, and transactions, which are on the disk when their promise resolves. */
export class Database {
  /** Reads only. It sees all that was committed. */
  readonly sql: Sql;
  readonly failed: Promise<Error>;
  readonly #reading: DatabaseSync;
  readonly #writer: Writer;

  private constructor(reading: { database: DatabaseSync; sql: Sql }, writer: Writer) {
    this.sql = reading.sql;
    this.failed = writer.failed;
    this.#reading = reading.database;
    this.#writer = writer;
  }

  /** Opens a file, with a thread for what is written. Creates it if it is missing. */
  static async open(file: string): Promise<Database> {
    const writer = await threadFor(file);
    return new Database(openReading(file), writer);
  }

  /**
   * Opens a file that another thread of this process has opened. `onNews` tells what that thread commits from then on.
   *
   * @param port from `share`
   */
  static async join(file: string, port: MessagePort): Promise<Database> {
    const ended = new Promise<void>((resolve) => port.once('close', () => resolve()));
    await Promise.race([once(port, 'message'), ended]);
    return new Database(
      openReading(file),
      writerAt(port, ended, () => undefined),
    );
  }

  /** Opens an empty database in memory. */
  static inMemory(): Database {
    const connection = openWriting(':memory:');
    return new Database(connection, {
      commit: async (request) => commitTogether(connection.sql, [request])[0] as Outcome,
      share: () => {
        throw new Error('a database in memory belongs to one thread');
      },
      onNews: () => undefined,
      close: async () => undefined,
      failed: new Promise(() => undefined),
    });
  }

  /** @throws RangeError for arguments that no platform accepts, NotCommitted, DiskFailure, or DatabaseDamaged */
  async write<Name extends TransactionName>(name: Name, args: Arguments<Name>): Promise<Result<Name>> {
    const request = { name, args };
    if (transactions.hasSubscribers) transactions.publish({ when: 'before', request });
    const outcome = await this.#writer.commit(request);
    if (transactions.hasSubscribers) transactions.publish({ when: 'after', request });
    if (outcome.ok) return outcome.result as Result<Name>;
    if (isDamage(outcome.error.code)) throw new DatabaseDamaged(outcome.error.message, outcome.error.code);
    if (outcome.error.name === 'RangeError') throw new RangeError(outcome.error.message);
    throw new (OF_THE_DISK.has(outcome.error.code) ? DiskFailure : NotCommitted)(outcome.error);
  }

  /** Returns a port with which one other thread can `join`. */
  share(): MessagePort {
    return this.#writer.share();
  }

  /** Calls the listener after commits of other threads that concern this one. Only a database that has joined has any. */
  onNews(listener: (news: News) => void): void {
    this.#writer.onNews(listener);
  }

  /** Closes it after all transactions that were sent. Threads that have joined must have closed theirs before. */
  async close(): Promise<void> {
    this.#reading.close(); // first, because only the last connection that can write moves all into the file
    await this.#writer.close();
  }
}

async function threadFor(file: string): Promise<Writer> {
  // A channel of its own: through that of the thread, Node sends its messages, too, for example with `--watch`.
  const { port1: port, port2 } = new MessageChannel();
  const workerData: WriterData = { file, port: port2 };
  const thread = new Worker(new URL('./writer.ts', import.meta.url), { workerData, transferList: [port2] });
  await Promise.race([once(port, 'message'), rejected(thread)]); // its connection is open
  let thrown: Error | undefined;
  thread.on('error', (error: Error) => (thrown = error));
  // Answers can arrive after the end of the thread, until the channel is closed.
  const ended = Promise.all([
    new Promise((resolve) => thread.once('exit', resolve)),
    new Promise((resolve) => port.once('close', resolve)),
  ]);
  return writerAt(port, ended, () => thrown);
}

/**
 * Returns the writer at the other end of a port.
 *
 * @param ended resolves when nothing answers any more
 * @param thrown what has ended it, if that is known
 */
function writerAt(port: MessagePort, ended: Promise<unknown>, thrown: () => Error | undefined): Writer {
  const waiting = new Map<number, (outcome: Outcome) => void>();
  const listeners: ((news: News) => void)[] = [];
  let last = 0;
  let closing = false;
  let ending: Refusal | undefined;
  const send = (message: ToWriter, transfer: MessagePort[] = []) => port.postMessage(message, transfer);
  port.on('message', ({ outcomes, news }: FromWriter) => {
    for (const { number, outcome } of outcomes) {
      waiting.get(number)?.(outcome);
      waiting.delete(number);
    }
    if (news !== undefined) for (const listener of listeners) listener(news);
  });
  const failed = new Promise<Error>((resolve) => {
    void ended.then(() => {
      if (closing) return refuseAll({ name: 'Error', message: 'it is closed', code: undefined });
      const error = thrown() ?? new Error('the thread that writes to the database has ended');
      refuseAll({ name: error.name, message: error.message, code: undefined });
      return resolve(error);
    });
  });
  /** Nothing answers later: who waits for a transaction would wait forever, and a stop with it. */
  function refuseAll(error: Refusal): void {
    ending ??= error;
    for (const answer of waiting.values()) answer({ ok: false, error });
    waiting.clear();
  }
  return {
    failed,
    commit: (request) =>
      new Promise((resolve) => {
        if (ending) return resolve({ ok: false, error: ending });
        last += 1;
        waiting.set(last, resolve);
        send({ number: last, request });
      }),
    share: () => {
      const { port1, port2 } = new MessageChannel();
      send({ port: port1 }, [port1]);
      return port2;
    },
    onNews: (listener) => void listeners.push(listener),
    close: async () => {
      closing = true;
      send('close');
      await ended;
    },
  };
}

/** Rejects with the error that ends the thread. */
const rejected = (thread: Worker): Promise<never> =>
  new Promise((_, reject) => {
    thread.once('error', reject);
  });
