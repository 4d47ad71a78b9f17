import type { ChatMessage, Text } from '../../../core/domain/messages/chat-message.ts';
import type { Annotation, Annotations } from '../../../core/domain/ports/annotations.ts';
import type { Chat, Directory } from '../../../core/domain/ports/chat.ts';
import type { Ticket, Tickets } from '../../../core/domain/ports/tickets.ts';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import type { OnCall, OnCallPerson } from '../../../core/domain/people/on-call.ts';
import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';
import type { Vendor } from './faults.ts';
import type { SimulatedClock } from './simulated-clock.ts';

/*
 * In-memory vendors behind the ports. They don't deduplicate: a repeated call is executed twice.
 */

export const done = <T>(value: T): VendorResponse<T> => ({ kind: 'done', value });
export const refused = (code: string): VendorResponse<never> => ({ kind: 'refused', code, detail: code });

export type Message = { id: string; key: string; message: ChatMessage; at: Timestamp };
export type Channel = {
  id: string;
  name: string;
  isOwn: boolean;
  purpose: string;
  topic: Text;
  archived: boolean;
  messages: Message[];
  pinned: string[];
  bookmarks: readonly { title: string; url: string }[];
  members: string[];
};

/** Slack: channel names stay taken; messages are found in their channel by key; duplicates are possible. */
export class MemoryChat implements Vendor<Chat> {
  readonly channels: Channel[] = [];
  readonly #clock: SimulatedClock;
  #ids = 0;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  #id(letter: string): string {
    this.#ids += 1;
    return `${letter}${this.#ids}`;
  }

  /** Creates a channel of other people. */
  add(name: string, isOwn = false): Channel {
    const channel: Channel = {
      id: this.#id('C'),
      name,
      isOwn,
      purpose: '',
      topic: [],
      archived: false,
      messages: [],
      pinned: [],
      bookmarks: [],
      members: [],
    };
    this.channels.push(channel);
    return channel;
  }

  createChannel(name: string): VendorResponse<{ id: string }> {
    return this.channels.some((one) => one.name === name)
      ? refused('name_taken')
      : done({ id: this.add(name, true).id });
  }

  findChannel(name: string): ReturnType<Vendor<Chat>['findChannel']> {
    return done(this.channels.find((one) => one.name === name) ?? null);
  }

  channelNames(prefix: string): VendorResponse<string[]> {
    return done(this.channels.map(({ name }) => name).filter((name) => name.startsWith(prefix)));
  }

  setTopic(channel: string, topic: Text): VendorResponse<null> {
    return this.#in(channel, (found) => void (found.topic = topic));
  }

  setPurpose(channel: string, purpose: string): VendorResponse<null> {
    return this.#in(channel, (found) => void (found.purpose = purpose));
  }

  post(channel: string, message: ChatMessage, key: string): VendorResponse<{ channel: string; id: string }> {
    const found =
      this.channels.find(({ id, name }) => id === channel || `#${name}` === channel) ?? this.#withUser(channel);
    if (found === undefined) return refused('channel_not_found');
    if (found.archived) return refused('is_archived');
    const id = this.#id('M');
    found.messages.push({ id, key, message, at: this.#clock.now() });
    return done({ channel: found.id, id });
  }

  /** Posting to a user opens a direct message channel. */
  #withUser(user: string): Channel | undefined {
    if (!user.startsWith('U')) return undefined;
    return this.channels.find(({ name }) => name === `with ${user}`) ?? this.add(`with ${user}`);
  }

  findPost(channel: string, key: string, since: Timestamp): VendorResponse<{ id: string } | null> {
    const found = this.channels.find(({ id }) => id === channel);
    if (found === undefined) return refused('channel_not_found');
    return done(found.messages.findLast((one) => one.key === key && millisOf(one.at) >= millisOf(since)) ?? null);
  }

  edit(channel: string, id: string, message: ChatMessage, _key: string): VendorResponse<null> {
    const found = this.channels.find((one) => one.id === channel)?.messages.find((one) => one.id === id);
    if (found === undefined) return refused('message_not_found');
    return this.#in(channel, () => void (found.message = message));
  }

  pin(channel: string, id: string): VendorResponse<null> {
    return this.#in(channel, ({ pinned }) => void (pinned.includes(id) || pinned.push(id)));
  }

  setBookmarks(channel: string, links: readonly { title: string; url: string }[]): VendorResponse<null> {
    return this.#in(channel, (found) => void (found.bookmarks = links));
  }

  /** Refuses to invite guests. */
  invite(channel: string, users: readonly string[]): VendorResponse<{ user: string; code: string }[]> {
    const guests = users.filter((user) => user.startsWith('UGUEST'));
    const response = this.#in(channel, ({ members }) => {
      for (const user of users) if (!guests.includes(user) && !members.includes(user)) members.push(user);
    });
    return response.kind === 'done' ? done(guests.map((user) => ({ user, code: 'user_is_restricted' }))) : response;
  }

  archive(channel: string): VendorResponse<null> {
    const found = this.channels.find(({ id }) => id === channel);
    if (found === undefined) return refused('channel_not_found');
    found.archived = true;
    return done(null);
  }

  #in(channel: string, act: (found: Channel) => void): VendorResponse<null> {
    const found = this.channels.find(({ id }) => id === channel);
    if (found === undefined) return refused('channel_not_found');
    if (found.archived) return refused('is_archived');
    act(found);
    return done(null);
  }
}

export type MemoryPeople = {
  /** On-call people, the same for all teams. */
  onCall: OnCallPerson[];
  /** Slack IDs by email address. */
  users: Record<string, string>;
};

export const memoryOnCall = (people: MemoryPeople): Vendor<OnCall> => ({
  now: () => done(people.onCall),
  email: () => done(null),
});

export const memoryDirectory = (people: MemoryPeople): Vendor<Pick<Directory, 'userByEmail'>> => ({
  userByEmail: (email) => done(people.users[email] ?? null),
});

/** Grafana: only the IDs that it assigns are unique. */
export class MemoryAnnotations implements Vendor<Annotations> {
  readonly marks: (Annotation & { id: string })[] = [];

  find(tag: string): VendorResponse<{ id: string } | null> {
    return done(this.marks.findLast(({ tags }) => tags.includes(tag)) ?? null);
  }

  create(mark: Annotation): VendorResponse<{ id: string }> {
    const id = `A${this.marks.length + 1}`;
    this.marks.push({ ...mark, id });
    return done({ id });
  }

  update(id: string, mark: Annotation): VendorResponse<null> {
    const place = this.marks.findIndex((one) => one.id === id);
    if (place < 0) return refused('not_found');
    this.marks[place] = { ...mark, id };
    return done(null);
  }
}

export type WrittenTicket = { id: string; url: null; ticket: Ticket; comments: string[] };

/** Tickets: texts contain the keys. An existing key is detected at the start of a call, not at the write. */
export class MemoryTickets implements Vendor<Tickets> {
  readonly tickets: WrittenTicket[] = [];

  find(key: string): VendorResponse<WrittenTicket | null> {
    return done(this.tickets.find(({ ticket }) => ticket.key === key) ?? null);
  }

  open(ticket: Ticket): VendorResponse<WrittenTicket> {
    const opened = { id: `T${this.tickets.length + 1}`, url: null, ticket, comments: [] };
    this.tickets.push(opened);
    return done(opened);
  }

  begun(method: string, [id, , key]: readonly unknown[]): VendorResponse<null> | undefined {
    const there = this.tickets.some((one) => one.id === id && one.comments.includes(String(key)));
    return method === 'comment' && there ? done(null) : undefined;
  }

  comment(id: string, _text: string, key: string): VendorResponse<null> {
    const found = this.tickets.find((one) => one.id === id);
    if (found === undefined) return refused('not_found');
    found.comments.push(key);
    return done(null);
  }
}
