import * as z from 'zod';
import {
  type ChannelPause,
  type NotificationChannel,
  NOTIFICATION_CHANNELS,
  type LastNotification,
} from '../../domain/messages/notifications.ts';
import type { DigestOf, Digests, StoredNotification } from '../../domain/ports/messages.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { sha256 } from '../../stores/hash.ts';
import { keys } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import { type Condition, missing, put, remove, revisionIs } from '../../../platforms/store.ts';

const StoredItem = z.object({
  stakeholder: z.string(),
  about: z.string(),
  at: Timestamp,
  notified: z.boolean().default(true),
  refused: z.literal(true).optional(),
  again: z.object({ at: Timestamp, tries: z.number() }).optional(),
  rev: z.number().default(0),
});

const Pause = z
  .object({
    sk: z.enum(NOTIFICATION_CHANNELS),
    tries: z.number(),
    at: Timestamp.optional(),
    until: Timestamp,
    detail: z.string(),
  })
  // Earlier versions did not store the start.
  .transform(({ at, ...pause }) => ({ ...pause, at: at ?? pause.until }));

/** Stores what stakeholders were sent: an item for each receiver beside the incident. */
export class DigestTable implements Digests {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async read(of: DigestOf): Promise<Record<string, StoredNotification>> {
    const { pk, sk } = keys.digest(of, '');
    const items = await collect(this.#table.each(pk, { prefix: sk }), (item) => StoredItem.parse(item));
    return Object.fromEntries(items.map(({ stakeholder, ...notification }) => [stakeholder, notification]));
  }

  async remember(
    of: DigestOf,
    stakeholder: string,
    { about, at, notified, refused, again }: LastNotification,
    before: StoredNotification | undefined,
  ): Promise<StoredNotification | undefined> {
    const now = {
      about,
      at,
      notified,
      ...(refused && { refused }),
      ...(again && { again }),
      rev: (before?.rev ?? 0) + 1,
    };
    const item = { ...keys.digest(of, sha256(stakeholder).slice(0, 32)), stakeholder, ...now };
    const { ok } = await this.#table.transact([put(item, isRevision(before?.rev ?? 0))]);
    return ok ? now : undefined;
  }

  async pauses(): Promise<Partial<Record<NotificationChannel, ChannelPause>>> {
    const { pk } = keys.digestPauses();
    const pauses = await collect(this.#table.each(pk), (item) => Pause.parse(item));
    return Object.fromEntries(pauses.map(({ sk, ...pause }) => [sk, pause]));
  }

  async setPause(channel: NotificationChannel, pause: ChannelPause | null): Promise<void> {
    const key = keys.digestPause(channel);
    await this.#table.transact([pause === null ? remove(key) : put({ ...key, ...pause })]);
  }
}

const isRevision = (rev: number): Condition => (rev === 0 ? missing('rev') : revisionIs(rev));
