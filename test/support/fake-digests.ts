import type { ChannelPause, NotificationChannel, LastNotification } from '../../domain/messages/notifications.ts';
import type { DigestOf, Digests, StoredNotification } from '../../domain/ports/messages.ts';

/** The digests for stakeholders, in memory. Calls are asynchronous, like the table's. */
export class FakeDigests implements Digests {
  readonly told = new Map<string, Record<string, StoredNotification>>();
  readonly paused = new Map<NotificationChannel, ChannelPause>();

  async read(id: DigestOf): Promise<Record<string, StoredNotification>> {
    return { ...this.told.get(id) };
  }

  async remember(
    id: DigestOf,
    receiver: string,
    { about, at, notified, refused, again }: LastNotification,
    before: StoredNotification | undefined,
  ): Promise<StoredNotification | undefined> {
    const known = this.told.get(id) ?? {};
    if (known[receiver]?.rev !== before?.rev) return undefined;
    const now = { about, at, notified, refused, again, rev: (before?.rev ?? 0) + 1 };
    this.told.set(id, { ...known, [receiver]: now });
    return now;
  }

  async pauses(): Promise<Partial<Record<NotificationChannel, ChannelPause>>> {
    return Object.fromEntries(this.paused);
  }

  async setPause(channel: NotificationChannel, pause: ChannelPause | null): Promise<void> {
    if (pause === null) this.paused.delete(channel);
    else this.paused.set(channel, pause);
  }
}
