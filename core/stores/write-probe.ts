import { randomBytes } from 'node:crypto';
import type { Blobs, Clock, WriteProbe } from '../domain/ports/system.ts';
import { inTime } from './in-time.ts';
import { keys } from './keys.ts';
import type { StorageOutcomes, StoragePart } from './storage-outcomes.ts';
import type { Table } from './table.ts';

/** How long an outcome is used. Anybody can ask for it, and each attempt writes to the disk. */
const FRESH_MS = { succeeded: 5000, failed: 1000 };

/** Milliseconds after which a write counts as failed. */
const WAIT_MAX_MS = 5000;

/** In a folder whose old versions expire. */
const BLOB = 'signals/write-probe';

/** A block of most file systems. The database can have space inside its files on a full disk; a new file has not. */
const BLOB_BYTES = 4096;

/**
 * Knows from all writes of this process whether storage accepts writes. It writes itself only where none has succeeded
 * recently: a full disk, a read-only file system, and a missing permission show only at a write.
 */
export class StorageWriteProbe implements WriteProbe {
  readonly #table: Table;
  readonly #blobs: Blobs;
  readonly #clock: Clock;
  readonly #outcomes: StorageOutcomes;
  readonly #running = new Map<StoragePart, Promise<string>>();

  /** @param outcomes of all calls of this process */
  constructor(table: Table, blobs: Blobs, clock: Clock, outcomes: StorageOutcomes) {
    this.#table = table;
    this.#blobs = blobs;
    this.#clock = clock;
    this.#outcomes = outcomes;
  }

  async states(): ReturnType<WriteProbe['states']> {
    const [table, blobs] = await Promise.all([
      this.#state('table', () => this.#table.update(keys.writeProbe(), { set: { at: this.#clock.now() } })),
      this.#state('blobs', () => this.#blobs.put(BLOB, randomBytes(BLOB_BYTES), 'application/octet-stream')),
    ]);
    return { table, blobs };
  }

  problem(): string | null {
    return this.#outcomes.problem('table') ?? this.#outcomes.problem('blobs');
  }

  noteDamage(error: Error): void {
    this.#outcomes.noteDamage(error);
  }

  async #state(part: StoragePart, write: () => Promise<unknown>): Promise<string> {
    const isKnown =
      this.#outcomes.succeededWithin(part, FRESH_MS.succeeded) || this.#outcomes.failedWithin(part, FRESH_MS.failed);
    if (isKnown) return this.#outcomes.problem(part) ?? 'ok';
    const others = this.#running.get(part);
    if (others !== undefined) return others;
    const running = stateOf(() => this.#outcomes.write(part, write)).then((state) =>
      state === 'ok' ? (this.#outcomes.problem(part) ?? 'ok') : state,
    );
    this.#running.set(part, running);
    return running.finally(() => this.#running.delete(part));
  }
}

/** Returns `ok`, or the error. Gives up waiting after the deadline; the write itself goes on. */
async function stateOf(write: () => Promise<unknown>): Promise<string> {
  const state = Promise.try(write).then(
    () => 'ok',
    (error: unknown) => String(error),
  );
  return (await inTime(WAIT_MAX_MS, state)) ?? `no response within ${WAIT_MAX_MS / 1000} s`;
}
