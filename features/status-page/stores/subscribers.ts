import type { Clock } from '../../../core/domain/ports/system.ts';
import type { Subscribers } from '../types.ts';
import { Subscriber } from '../schemas/subscriber.ts';
import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../keys.ts';
import { subscriberKeys } from './ids.ts';
import { collect, type Table } from '../../../core/stores/table.ts';
import { absent, anyOf, atMost, put, remove, revisionIs } from '../../../platforms/store.ts';
import { projectionMarkWrite } from '../../../core/stores/incidents/projections.ts';

/** Seconds for which it is known that a subscription has ended: a hash of page and address, without the address. */
const FORMER_RETENTION_SECONDS = 365 * 24 * 3600;

/** Stores subscriptions in one partition for each page. */
export class SubscriberTable implements Subscribers {
  readonly idOf = subscriberKeys.idOf;
  readonly newKey = subscriberKeys.newKey;
  readonly codeOf = subscriberKeys.codeOf;
  readonly secretOf = subscriberKeys.secretOf;
  readonly isCode = subscriberKeys.isCode;
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async read(page: string, id: string): Promise<Subscriber | undefined> {
    const item = await this.#table.get(keys.subscriber(page, id));
    return item && this.#current(Subscriber.parse(item));
  }

  async of(page: string): Promise<Subscriber[]> {
    const all = await collect(this.#table.each(keys.subscribers(page).pk), (item) => Subscriber.parse(item));
    return all.flatMap((one) => this.#current(one) ?? []);
  }

  /** DynamoDB deletes items days after they expire. */
  #current(subscriber: Subscriber): Subscriber | undefined {
    return subscriber.delete_at !== null && subscriber.delete_at <= this.#clock.now() ? undefined : subscriber;
  }

  async write(subscriber: Subscriber, asks = false): Promise<boolean> {
    const { page, id, rev, delete_at } = subscriber;
    const now = this.#clock.now();
    const item = {
      ...keys.subscriber(page, id),
      ...subscriber,
      rev: rev + 1,
      ...(delete_at !== null && { expires_at: secondsOf(delete_at) }),
    };
    const condition = rev === 0 ? anyOf(absent, atMost('expires_at', secondsOf(now))) : revisionIs(rev);
    const { ok } = await this.#table.transact([
      put(item, condition),
      ...(asks ? [projectionMarkWrite(`subscription:${page}/${id}`, now)] : []),
    ]);
    return ok;
  }

  async remove(page: string, id: string): Promise<void> {
    const expires_at = secondsOf(this.#clock.now()) + FORMER_RETENTION_SECONDS;
    await this.#table.transact([
      remove(keys.subscriber(page, id)),
      put({ ...keys.formerSubscriber(page, id), expires_at }),
    ]);
  }

  async hasLeft(page: string, id: string): Promise<boolean> {
    const item = await this.#table.get(keys.formerSubscriber(page, id));
    return item !== undefined && Number(item['expires_at']) > secondsOf(this.#clock.now());
  }

  async count(who: string, at: Timestamp, per: 'hour' | 'day' = 'hour'): Promise<number> {
    const [period, seconds] = per === 'hour' ? [at.slice(0, 13), 3600] : [at.slice(0, 10), 24 * 3600];
    const item = await this.#table.update(keys.subscriptionRequests(who, period), {
      add: { count: 1 },
      set: { expires_at: secondsOf(at) + 2 * seconds },
    });
    return Number(item?.['count']);
  }
}

const secondsOf = (at: Timestamp): number => Math.ceil(millisOf(at) / 1000);
