import type { DatabaseSync } from 'node:sqlite';
import type { Content } from './messages.ts';

export const ephemeralTables = `
  create table if not exists slack_ephemerals (
    channel integer not null references slack_channels (seq),
    ts integer not null,
    user text not null,
    author text not null,
    content text not null,
    primary key (channel, ts)
  ) without rowid;
`;

/** A message in a channel that only one person sees. It is not in the history. */
export type Ephemeral = {
  /** Microseconds since the Unix epoch; the message's ID in the channel. */
  ts: number;
  /** The ID of the person who sees it. */
  user: string;
  /** The app, or Slack itself. */
  author: 'app' | 'slackbot';
  content: Content;
};

export type Ephemerals = {
  /** @param channel the channel's `seq`, as everywhere in this type */
  add(channel: number, ephemeral: Ephemeral): void;
  get(channel: number, ts: number): Ephemeral | undefined;
  edit(channel: number, ts: number, content: Content): void;
  remove(channel: number, ts: number): void;
  /** Returns the newest messages of a channel for all people, oldest first. */
  all(channel: number, limit: number): Ephemeral[];
};

type Row = Omit<Ephemeral, 'content'> & { content: string };

export function openEphemerals(db: DatabaseSync): Ephemerals {
  const insert = db.prepare('insert into slack_ephemerals (channel, ts, user, author, content) values (?, ?, ?, ?, ?)');
  const select = db.prepare('select ts, user, author, content from slack_ephemerals where channel = ? and ts = ?');
  const update = db.prepare('update slack_ephemerals set content = ? where channel = ? and ts = ?');
  const remove = db.prepare('delete from slack_ephemerals where channel = ? and ts = ?');
  const newest = db.prepare(
    'select ts, user, author, content from slack_ephemerals where channel = ? order by ts desc limit ?',
  );

  return {
    add: (channel, { ts, user, author, content }) =>
      void insert.run(channel, ts, user, author, JSON.stringify(content)),
    get(channel, ts) {
      const row = select.get(channel, ts) as Row | undefined;
      return row && ephemeralOf(row);
    },
    edit: (channel, ts, content) => void update.run(JSON.stringify(content), channel, ts),
    remove: (channel, ts) => void remove.run(channel, ts),
    all: (channel, limit) => (newest.all(channel, limit) as Row[]).map(ephemeralOf).toReversed(),
  };
}

const ephemeralOf = (row: Row): Ephemeral => ({ ...row, content: JSON.parse(row.content) as Content });
