import * as z from 'zod';
import type { UserCache, ChatUser } from '../../domain/ports/messages.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { millisOf, Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../../stores/keys.ts';
import type { Table } from '../../stores/table.ts';
import { type Item, put } from '../../../platforms/store.ts';

const RETENTION_SECONDS = 24 * 3600;

const User = z.object({
  id: z.string(),
  team: z.string(),
  email: z.string().nullable(),
  name: z.string().nullable(),
  kind: z.enum(['member', 'guest', 'outsider']),
});

export class UserCacheTable implements UserCache {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async user(id: string): ReturnType<UserCache['user']> {
    const item = await this.#storedItem('user', id);
    return item && { user: User.parse(item['user']), at: Timestamp.parse(item['at']) };
  }

  async group(id: string): ReturnType<UserCache['group']> {
    const item = await this.#storedItem('group', id);
    return item && { members: z.array(z.string()).parse(item['members']), at: Timestamp.parse(item['at']) };
  }

  async storeUser(user: ChatUser): Promise<void> {
    await this.#store('user', user.id, { user });
  }

  async storeGroup(id: string, members: readonly string[]): Promise<void> {
    await this.#store('group', id, { members: [...members] });
  }

  /** DynamoDB deletes expired items up to days later. */
  async #storedItem(kind: 'user' | 'group', id: string): Promise<Item | undefined> {
    const item = await this.#table.get(keys.cachedUser(kind, id));
    return item !== undefined && Number(item['expires_at']) > this.#seconds() ? item : undefined;
  }

  async #store(kind: 'user' | 'group', id: string, what: Item): Promise<void> {
    const at = this.#clock.now();
    await this.#table.transact([
      put({ ...keys.cachedUser(kind, id), ...what, at, expires_at: this.#seconds() + RETENTION_SECONDS }),
    ]);
  }

  #seconds(): number {
    return Math.floor(millisOf(this.#clock.now()) / 1000);
  }
}
