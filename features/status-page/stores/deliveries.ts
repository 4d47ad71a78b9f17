import type { Deliveries, PageEvent } from '../types.ts';
import { Delivery } from '../schemas/subscriber.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../keys.ts';
import { expiresAfter, RETENTION_DAYS } from '../../../core/stores/retention.ts';
import type { Table } from '../../../core/stores/table.ts';
import { put } from '../../../platforms/store.ts';

/** Stores what subscribers have been sent: an item for each subscriber of an event. */
export class DeliveryTable implements Deliveries {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async of(event: PageEvent): Promise<ReadonlyMap<string, Delivery>> {
    const all = new Map<string, Delivery>();
    for await (const item of this.#table.each(keys.delivery(event, '').pk))
      all.set(String(item['sk']), Delivery.parse(item));
    return all;
  }

  async write(event: PageEvent, subscriber: string, delivery: Delivery, at: Timestamp): Promise<void> {
    await this.#table.transact([
      put({
        ...keys.delivery(event, subscriber),
        ...delivery,
        ...expiresAfter(at, RETENTION_DAYS.delivery),
      }),
    ]);
  }
}
