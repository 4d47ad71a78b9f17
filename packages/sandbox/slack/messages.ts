import type { DatabaseSync } from 'node:sqlite';

export const messageTables = `
  create table if not exists slack_messages (
    channel integer not null references slack_channels (seq),
    ts integer not null,
    thread_ts integer,
    user text not null,
    subtype text,
    content text not null,
    edited_ts integer,
    primary key (channel, ts)
  ) without rowid;
  create index if not exists slack_replies on slack_messages (channel, thread_ts, ts) where thread_ts is not null;
`;

/** The content from the author. Absent parts were not given. */
export type Content = {
  text: string;
  blocks?: unknown[];
  attachments?: unknown[];
  metadata?: unknown;
  /** A display name other than the app's. */
  username?: string;
};

export type NewMessage = {
  ts: number;
  /** The `ts` of the thread's first message. */
  thread_ts: number | null;
  user: string;
  /** `bot_message`, or the kind of a system message; `null` for a person's message. */
  subtype: string | null;
  content: Content;
};

/** A message. Times are in microseconds since the Unix epoch. */
export type Message = NewMessage & { edited_ts: number | null };

/** A range. Both ends are included. */
export type Span = { from: number; to: number; limit: number };

export type Messages = {
  /** @param channel the channel's `seq`, as everywhere in this type */
  add(channel: number, message: NewMessage): Message;
  get(channel: number, ts: number): Message | undefined;
  edit(channel: number, ts: number, content: Content, editedTs: number): void;
  remove(channel: number, ts: number): void;
  /** Returns the messages of a channel, newest first. Includes replies only if they were also sent to the channel. */
  history(channel: number, span: Span): Message[];
  /** Returns the replies to a message, oldest first. */
  replies(channel: number, thread: number, span: Span): Message[];
};

type Row = Omit<Message, 'content'> & { content: string };

export function openMessages(db: DatabaseSync): Messages {
  const insert = db.prepare(`
    insert into slack_messages (channel, ts, thread_ts, user, subtype, content)
    values (:channel, :ts, :thread_ts, :user, :subtype, :content)`);
  const select = db.prepare('select * from slack_messages where channel = ? and ts = ?');
  const update = db.prepare('update slack_messages set content = ?, edited_ts = ? where channel = ? and ts = ?');
  const remove = db.prepare('delete from slack_messages where channel = ? and ts = ?');
  const history = db.prepare(`
    select * from slack_messages
    where channel = :channel and ts between :from and :to and (thread_ts is null or subtype = 'thread_broadcast')
    order by ts desc limit :limit`);
  const replies = db.prepare(`
    select * from slack_messages
    where channel = :channel and thread_ts = :thread and ts between :from and :to
    order by ts limit :limit`);

  return {
    add(channel, message) {
      insert.run({ ...message, channel, content: JSON.stringify(message.content) });
      return { ...message, edited_ts: null };
    },
    get(channel, ts) {
      const row = select.get(channel, ts) as Row | undefined;
      return row && messageOf(row);
    },
    edit: (channel, ts, content, editedTs) => void update.run(JSON.stringify(content), editedTs, channel, ts),
    remove: (channel, ts) => void remove.run(channel, ts),
    history: (channel, span) => (history.all({ channel, ...span }) as Row[]).map(messageOf),
    replies: (channel, thread, span) => (replies.all({ channel, thread, ...span }) as Row[]).map(messageOf),
  };
}

const messageOf = (row: Row): Message => ({ ...row, content: JSON.parse(row.content) as Content });
