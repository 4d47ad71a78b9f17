import type { IncidentId } from '../../schemas/config/names.ts';
import type { Heard } from '../../schemas/messages/inbound-events.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { TellingPause, TellingWay, ToldBefore } from '../messages/stakeholder-digest.ts';
import type { SlackUser } from '../people/people.ts';

/** Queue of inbound events: actions of people in Slack or PagerDuty that are not processed yet. */
export type PeopleQueue = {
  /**
   * Queues an inbound event; resolves once it is durable. Events with the same `key` are deduplicated within five
   * minutes.
   *
   * @param group events of one group are processed in order
   */
  send(heard: Heard, group: string): Promise<void>;
};

/** Results of processed inbound events, so that a redelivered event has its effects once. Retained for a week. */
export type Hearings = {
  /** Reads strongly consistently. Undefined: not processed yet. */
  read(key: string): Promise<{ outcome: unknown; told: boolean } | undefined>;
  /** Stores the result; the first one is kept. @returns whether it was stored */
  did(key: string, outcome: object): Promise<boolean>;
  /** Records that the response was delivered. */
  told(key: string): Promise<void>;
};

/** Cache of users and groups of the chat, for when it does not respond. Retained for a day. */
export type Acquaintances = {
  user(id: string): Promise<{ user: ChatUser; at: Timestamp } | undefined>;
  group(id: string): Promise<{ members: string[]; at: Timestamp } | undefined>;
  keepUser(user: ChatUser): Promise<void>;
  keepGroup(id: string, members: readonly string[]): Promise<void>;
};

/** A chat user without group memberships. */
export type ChatUser = Omit<SlackUser, 'groups'>;

/** Notifications sent to stakeholders about incidents, by address: `mailto:…`, `slack:…`. */
export type Digests = {
  /** Reads strongly consistently. */
  read(of: DigestOf): Promise<Readonly<Record<string, Remembered>>>;
  /**
   * Replaces the stored value, so that only one of several concurrent senders sends.
   *
   * @param before value as last read or stored; undefined: none
   * @returns the stored value; undefined: modified concurrently
   */
  remember(
    of: DigestOf,
    receiver: string,
    told: ToldBefore,
    before: Remembered | undefined,
  ): Promise<Remembered | undefined>;
  /** Returns the paused channels. */
  pauses(): Promise<Partial<Record<TellingWay, TellingPause>>>;
  /** @param pause null: the channel works again */
  setPause(way: TellingWay, pause: TellingPause | null): Promise<void>;
};

/** Subject of notifications: an incident, or the weekly report of shadow mode. */
export type DigestOf = IncidentId | 'shadow-report';

/** `rev`: number of modifications. */
export type Remembered = ToldBefore & { rev: number };
