import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { DatabaseSync } from 'node:sqlite';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { type Clock, clockStart, forwardClock } from './clock.ts';
import { openReading, openWriting } from './connection.ts';
import { DatabaseDamaged, isDamage, SQLITE } from './errors.ts';
import { commitTogether } from './group-commit.ts';
import { diskProblem, LateWriter } from './late-writer.ts';
import type { OnDamage, Sql } from './sql.ts';
import type { Arguments, News, Outcome, Refusal, Result, TransactionName, Writer } from './transactions.ts';
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

/** An SQLite database: reads, and transactions, which are on the disk when their promise resolves. */
export class Database {
  readonly failed: Promise<Error>;
  /** The clock by which waits are measured: the same for all threads of this process that use the file. */
  readonly clock: Clock;
  /** The connection that reads. */
  readonly #reader: { readonly reading: { database: DatabaseSync; sql: Sql } };
  readonly #writer: Writer;
  readonly #onDamage: OnDamage | undefined;

  private constructor(
    reader: { readonly reading: { database: DatabaseSync; sql: Sql } },
    writer: Writer,
    onDamage?: OnDamage,
  ) {
    this.failed = writer.failed;
    this.clock = forwardClock(writer.clockStart);
    this.#reader = reader;
    this.#writer = writer;
    this.#onDamage = onDamage;
  }

  /** Reads only. It sees all that was committed. */
  get sql(): Sql {
    return this.#reader.reading.sql;
  }

  /** Resolves once it can write. Undefined: it can. */
  get late(): Promise<void> | undefined {
    return this.#writer instanceof LateWriter && !this.#writer.isOpen ? this.#writer.opened : undefined;
  }

  /**
   * Opens a file, with a thread for what is written. Creates it if it is missing. If its disk is full, it can be read, and
   * refuses transactions until there is room.
   */
  static async open(file: string, onDamage?: OnDamage): Promise<Database> {
    try {
      const writer = await threadFor(file);
      return new Database({ reading: openReading(file, onDamage) }, writer, onDamage);
    } catch (error) {
      const problem = diskProblem(file);
      const late = problem && lateWriter(file, problem, onDamage);
      if (late === undefined) throw error;
      return new Database(late, late, onDamage);
    }
  }

  /**
   * Opens a file that another thread of this process has opened. `onNews` tells what that thread commits from then on.
   *
   * @param port from `share`
   */
  static async join(file: string, port: MessagePort, onDamage?: OnDamage): Promise<Database> {
    const ended = new Promise<void>((resolve) => port.once('close', () => resolve()));
    const first = await Promise.race([once(port, 'message'), ended]);
    return new Database(
      { reading: openReading(file, onDamage) },
      writerAt(port, startIn(first), ended, () => undefined),
      onDamage,
    );
  }

  /** Opens an empty database in memory. */
  static inMemory(): Database {
    const connection = openWriting(':memory:');
    return new Database(
      { reading: connection },
      {
        clockStart: clockStart(),
        commit: async (request) => commitTogether(connection.sql, [request])[0] as Outcome,
        share: () => {
          throw new Error('a database in memory belongs to one thread');
        },
        onNews: () => undefined,
        close: async () => undefined,
        failed: new Promise(() => undefined),
      },
    );
  }

  /** @throws RangeError for arguments that no platform accepts, NotCommitted, DiskFailure, or DatabaseDamaged */
  async write<Name extends TransactionName>(name: Name, args: Arguments<Name>): Promise<Result<Name>> {
    const request = { name, args };
    if (transactions.hasSubscribers) transactions.publish({ when: 'before', request });
    const outcome = await this.#writer.commit(request);
    if (transactions.hasSubscribers) transactions.publish({ when: 'after', request });
    if (outcome.ok) return outcome.result as Result<Name>;
    if (isDamage(outcome.error.code)) {
      const damage = new DatabaseDamaged(outcome.error.message, outcome.error.code);
      this.#onDamage?.(damage);
      throw damage;
    }
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
    this.#reader.reading.database.close(); // first, because only the last connection that can write moves all into the file
    await this.#writer.close();
  }
}

/** Returns undefined if the file cannot be read either. */
function lateWriter(file: string, problem: Refusal, onDamage?: OnDamage): LateWriter | undefined {
  try {
    return new LateWriter(file, problem, threadFor, onDamage);
  } catch {
    return undefined;
  }
}

async function threadFor(file: string): Promise<Writer> {
  // A channel of its own: through that of the thread, Node sends its messages, too, for example with `--watch`.
  const { port1: port, port2 } = new MessageChannel();
  const workerData: WriterData = { file, port: port2 };
  const thread = new Worker(new URL('./writer.ts', import.meta.url), { workerData, transferList: [port2] });
  const first = await Promise.race([once(port, 'message'), rejected(thread)]); // its connection is open
  let thrown: Error | undefined;
  thread.on('error', (error: Error) => (thrown = error));
  // Answers can arrive after the end of the thread, until the channel is closed.
  const ended = Promise.all([
    new Promise((resolve) => thread.once('exit', resolve)),
    new Promise((resolve) => port.once('close', resolve)),
  ]);
  return writerAt(port, startIn(first), ended, () => thrown);
}

/** Returns the start of the clock in the first message of a writer. */
const startIn = (first: unknown[] | void): number => (first?.[0] as FromWriter | undefined)?.clockStart ?? clockStart();

/**
 * Returns the writer at the other end of a port.
 *
 * @param start of its clock
 * @param ended resolves when nothing answers any more
 * @param thrown what has ended it, if that is known
 */
function writerAt(port: MessagePort, start: number, ended: Promise<unknown>, thrown: () => Error | undefined): Writer {
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
    clockStart: start,
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
