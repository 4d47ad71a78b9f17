import { randomBytes } from 'node:crypto';
import type { Blobs, Clock, WriteProbe } from '../domain/ports/system.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { keys } from './keys.ts';
import type { Table } from './table.ts';

/** How long a result is used: anybody can ask for it, and each attempt writes to the disk. */
const FRESH_MS = { ok: 10_000, failed: 1000 };

/** Milliseconds after which a write counts as failed. */
const WAIT_MAX_MS = 5000;

/** In a folder whose old versions expire. */
const BLOB = 'signals/write-probe';

/** A block of most file systems. The database can have space inside its files on a full disk; a new file has not. */
const BLOB_BYTES = 4096;

type States = Awaited<ReturnType<WriteProbe['states']>>;

/** Finds out by writing: a full disk, a read-only file system, and a missing permission show only at a write. */
export class StorageWriteProbe implements WriteProbe {
  readonly #table: Table;
  readonly #blobs: Blobs;
  readonly #clock: Clock;
  #last: { at: number; states: States } | undefined;
  #running: Promise<States> | undefined;

  constructor(table: Table, blobs: Blobs, clock: Clock) {
    this.#table = table;
    this.#blobs = blobs;
    this.#clock = clock;
  }

  async states(): Promise<States> {
    if (this.#last !== undefined && this.#isFresh(this.#last)) return this.#last.states;
    this.#running ??= this.#write().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** A clock that was set back makes a result old, too. */
  #isFresh({ at, states }: { at: number; states: States }): boolean {
    const isOk = states.table === 'ok' && states.blobs === 'ok';
    return Math.abs(millisOf(this.#clock.now()) - at) < (isOk ? FRESH_MS.ok : FRESH_MS.failed);
  }

  async #write(): Promise<States> {
    const now = this.#clock.now();
    const [table, blobs] = await Promise.all([
      stateOf(() => this.#table.update(keys.writeProbe(), { set: { at: now } })),
      stateOf(() => this.#blobs.put(BLOB, randomBytes(BLOB_BYTES), 'application/octet-stream')),
    ]);
    this.#last = { at: millisOf(this.#clock.now()), states: { table, blobs } };
    return this.#last.states;
  }
}

/** Returns `ok`, or the error. Gives up waiting after the deadline; the write itself goes on. */
async function stateOf(write: () => Promise<unknown>): Promise<string> {
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve(`no response within ${WAIT_MAX_MS / 1000} s`), WAIT_MAX_MS);
  const state = Promise.try(write).then(
    () => 'ok',
    (error: unknown) => String(error),
  );
  try {
    return await Promise.race([state, late]);
  } finally {
    clearTimeout(timer);
  }
}
