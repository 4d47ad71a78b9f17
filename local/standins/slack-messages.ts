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

/** What its author says; only what was given is there. */
export type Content = {
  text: string;
  blocks?: unknown[];
  attachments?: unknown[];
  metadata?: unknown;
  /** Another name than the app's own. */
  username?: string;
};

export type NewMessage = {
  ts: number;
  /** Of the message that it answers. */
  thread_ts: number | null;
  user: string;
  /** `bot_message`, or what kind of note Slack has written itself; `null` for a person's message. */
  subtype: string | null;
  content: Content;
};

/** Times are microseconds since the Unix epoch. */
export type Message = NewMessage & { edited_ts: number | null };

/** From and to are included. */
export type Span = { from: number; to: number; limit: number };

export type Messages = {
  /** @param channel its `seq`, as everywhere here */
  add(channel: number, message: NewMessage): Message;
  get(channel: number, ts: number): Message | undefined;
  edit(channel: number, ts: number, content: Content, editedTs: number): void;
  remove(channel: number, ts: number): void;
  /** What the channel shows: answers are not in it, unless they were sent to it as well. Newest first. */
  history(channel: number, span: Span): Message[];
  /** The answers to one message. Oldest first. */
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
