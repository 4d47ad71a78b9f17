import type { Intake } from '../../domain/ports/alerts.ts';
import type { Clock, Log } from '../../domain/ports/system.ts';
import { secondsBetween, Timestamp } from '../../../schemas/time/time.ts';
import { inTime } from '../in-time.ts';
import { keys } from '../keys.ts';
import type { Table } from '../table.ts';

/** Seconds without a beat after which Firebreak counts as having been down. It beats each minute. */
const DOWN_SECONDS = 180;

/** Milliseconds for which a refusal waits to be stored. The next refusal or beat stores it otherwise. */
const WAIT_MAX_MS = 500;

/** Records refusals and outages in the table, where the functions that admit alerts read them. */
export class IntakeTable implements Intake {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #log: Log;
  /** A refusal that is not in the table yet: most are refused because nothing can be stored. */
  #unstored: Timestamp | undefined;

  constructor(table: Table, clock: Clock, log: Log) {
    this.#table = table;
    this.#clock = clock;
    this.#log = log;
  }

  async refused(): Promise<void> {
    this.#unstored = this.#clock.now();
    await inTime(
      WAIT_MAX_MS,
      this.#store().catch(() => undefined),
    );
  }

  /** Stores the newest refusal, if that was not possible at the time. */
  async #store(): Promise<void> {
    const at = this.#unstored;
    if (at === undefined) return;
    await this.#table.update(keys.intake(), { set: { fault_at: at } });
    if (this.#unstored === at) this.#unstored = undefined;
  }

  async beat({ started = false } = {}): Promise<void> {
    await this.#store();
    const now = this.#clock.now();
    const { beat_at: before } = (await this.#table.get(keys.intake())) ?? {};
    const downSeconds = typeof before === 'string' ? secondsBetween(Timestamp.parse(before), now) : 0;
    const wasDown = typeof before === 'string' && (started || downSeconds > DOWN_SECONDS);
    if (wasDown)
      this.#log.info('Firebreak runs again; senders may repeat what they could not deliver', { downSeconds });
    await this.#table.update(keys.intake(), { set: { beat_at: now, ...(wasDown && { fault_at: now }) } });
  }
}

/** Returns when Firebreak last refused alerts because of a failure of its own, or when its last outage ended. Null: never. */
export async function lastFault(table: Table): Promise<Timestamp | null> {
  const { fault_at: at } = (await table.get(keys.intake())) ?? {};
  return typeof at === 'string' ? Timestamp.parse(at) : null;
}
