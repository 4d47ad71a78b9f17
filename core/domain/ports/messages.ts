import type { IncidentId } from '../../../schemas/config/names.ts';
import type { InboundEvent } from '../../../schemas/messages/inbound-events.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { ChannelPause, NotificationChannel, LastNotification } from '../messages/notifications.ts';
import type { SlackUser } from '../people/people.ts';

/** Queue of inbound events: actions of people in Slack or PagerDuty that are not processed yet. */
export type InboundQueue = {
  /**
   * Queues an inbound event; resolves once it is durable. Events with the same `key` are deduplicated within five
   * minutes.
   *
   * @param group events of one group are processed in order
   */
  send(event: InboundEvent, group: string): Promise<void>;
};

/** Results of processed inbound events, so that a redelivered event has its effects once. Retained for a week. */
export type ProcessedEvents = {
  /** Reads strongly consistently. Undefined: not processed yet. */
  read(key: string): Promise<{ outcome: unknown; delivered: boolean } | undefined>;
  /** Stores the result; the first one is kept. @returns whether it was stored */
  store(key: string, outcome: object): Promise<boolean>;
  /** Records that the response was delivered. */
  markDelivered(key: string): Promise<void>;
};

/** Cache of users and groups of the chat, for when it does not respond. Retained for a day. */
export type UserCache = {
  user(id: string): Promise<{ user: ChatUser; at: Timestamp } | undefined>;
  group(id: string): Promise<{ members: string[]; at: Timestamp } | undefined>;
  storeUser(user: ChatUser): Promise<void>;
  storeGroup(id: string, members: readonly string[]): Promise<void>;
};

/** A chat user without group memberships. */
export type ChatUser = Omit<SlackUser, 'groups'>;

/** Notifications sent to stakeholders about incidents, by address: `mailto:…`, `slack:…`. */
export type Digests = {
  /** Reads strongly consistently. */
  read(subject: DigestOf): Promise<Readonly<Record<string, StoredNotification>>>;
  /**
   * Replaces the stored value, so that only one of several concurrent senders sends.
   *
   * @param before value as last read or stored; undefined: none
   * @returns the stored value; undefined: modified concurrently
   */
  remember(
    subject: DigestOf,
    receiver: string,
    notification: LastNotification,
    before: StoredNotification | undefined,
  ): Promise<StoredNotification | undefined>;
  /** Returns the paused channels. */
  pauses(): Promise<Partial<Record<NotificationChannel, ChannelPause>>>;
  /** @param pause null: the channel works again */
  setPause(channel: NotificationChannel, pause: ChannelPause | null): Promise<void>;
};

/** Subject of notifications: an incident, or the weekly report of shadow mode. */
export type DigestOf = IncidentId | 'shadow-report';

/** `rev`: number of modifications. */
export type StoredNotification = LastNotification & { rev: number };
