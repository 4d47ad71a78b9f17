import type { DatabaseSync } from 'node:sqlite';
import { clockStart } from './clock.ts';
import { openAlone, openReading, openWriting } from './connection.ts';
import { SQLITE, sqliteCode } from './errors.ts';
import { refusalOf } from './group-commit.ts';
import type { OnDamage, Sql } from './sql.ts';
import type { Outcome, Refusal, Request, Writer } from './transactions.ts';

/** Milliseconds between two attempts to open the file for writing. Firebreak continues soon after there is room. */
const RETRY_MS = 2000;

type Connection = { database: DatabaseSync; sql: Sql };

/** Returns why a file that can be read cannot be opened for writing, if it is because its disk is full or faulty. */
export function diskProblem(file: string): Refusal | undefined {
  try {
    openWriting(file).database.close();
    return undefined;
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    const code = sqliteCode(cause);
    return code === SQLITE.full || code === SQLITE.io ? refusalOf(cause) : undefined;
  }
}

/**
 * The writer of a file that was opened while its disk is full. It refuses transactions until the file can be opened for
 * writing, which it tries again and again. Until then, one connection reads, alone: others need room.
 */
export class LateWriter implements Writer {
  readonly clockStart = clockStart();
  /** Resolves when it can write. */
  readonly opened: Promise<void>;
  readonly failed: Promise<Error>;
  reading: Connection;
  readonly #file: string;
  readonly #threadFor: (file: string) => Promise<Writer>;
  readonly #onDamage: OnDamage | undefined;
  readonly #open = Promise.withResolvers<Writer>();
  readonly #timer: NodeJS.Timeout;
  #refusal: Refusal;
  #writer: Writer | undefined;
  #isOpening = false;

  constructor(file: string, refusal: Refusal, threadFor: (file: string) => Promise<Writer>, onDamage?: OnDamage) {
    this.#file = file;
    this.#refusal = refusal;
    this.#threadFor = threadFor;
    this.#onDamage = onDamage;
    this.reading = openAlone(file, onDamage);
    this.opened = this.#open.promise.then(() => undefined);
    this.failed = this.#open.promise.then((writer) => writer.failed);
    this.#timer = setInterval(() => void this.#tryOpen(), RETRY_MS);
  }

  get isOpen(): boolean {
    return this.#writer !== undefined;
  }

  async commit(request: Request): Promise<Outcome> {
    return this.#writer?.commit(request) ?? { ok: false, error: this.#refusal };
  }

  share: Writer['share'] = () => {
    if (this.#writer === undefined) throw new Error('the database is not open for writing yet');
    return this.#writer.share();
  };

  onNews: Writer['onNews'] = (listener) => void this.opened.then(() => this.#writer?.onNews(listener));

  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#isOpening) await this.opened;
    await this.#writer?.close();
  }

  /** Reads go on at any time: each connection is replaced at once. */
  async #tryOpen(): Promise<void> {
    if (this.#isOpening) return;
    this.reading.database.close();
    try {
      this.reading = openWriting(this.#file);
    } catch (error) {
      this.#refusal = refusalOf(error instanceof Error ? (error.cause ?? error) : error);
      this.reading = openAlone(this.#file, this.#onDamage);
      return;
    }
    this.#isOpening = true;
    clearInterval(this.#timer);
    const { database } = this.reading;
    this.#writer = await this.#threadFor(this.#file);
    this.reading = openReading(this.#file, this.#onDamage);
    database.close();
    this.#open.resolve(this.#writer);
  }
}
