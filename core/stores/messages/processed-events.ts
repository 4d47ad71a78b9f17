import type { ProcessedEvents } from '../../domain/ports/messages.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { keys } from '../../stores/keys.ts';
import { type Table } from '../../stores/table.ts';
import { absent, put } from '../../../platforms/store.ts';

/** Longer than a queue keeps a message that could not be processed. */
const RETENTION_SECONDS = 7 * 24 * 3600;

export class ProcessedEventTable implements ProcessedEvents {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async read(key: string): ReturnType<ProcessedEvents['read']> {
    const item = await this.#table.get(keys.processedEvent(key));
    return item && { outcome: JSON.parse(String(item['outcome'])) as unknown, delivered: item['delivered'] === true };
  }

  async store(key: string, outcome: object): Promise<boolean> {
    const expires_at = Math.floor(millisOf(this.#clock.now()) / 1000) + RETENTION_SECONDS;
    const { ok } = await this.#table.transact([
      put({ ...keys.processedEvent(key), outcome: JSON.stringify(outcome), expires_at }, absent),
    ]);
    return ok;
  }

  async markDelivered(key: string): Promise<void> {
    await this.#table.update(keys.processedEvent(key), { set: { delivered: true } });
  }
}
