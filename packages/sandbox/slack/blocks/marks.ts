import type { DatabaseSync } from 'node:sqlite';

/** Tables for pins, reactions, and bookmarks. */
export const markTables = `
  create table if not exists slack_pins (
    seq integer primary key,
    channel integer not null,
    ts integer not null,
    user text not null,
    at integer not null,
    unique (channel, ts)
  );
  create table if not exists slack_reactions (
    seq integer primary key,
    channel integer not null,
    ts integer not null,
    name text not null,
    user text not null,
    unique (channel, ts, name, user)
  );
  create table if not exists slack_bookmarks (
    seq integer primary key autoincrement,
    channel integer not null,
    title text not null,
    link text not null,
    emoji text not null,
    user text not null,
    created_at integer not null,
    updated_at integer not null
  );
  create index if not exists slack_bookmarks_by_channel on slack_bookmarks (channel);
`;

/**
 * A pin. `at` is in milliseconds since the Unix epoch; `ts` is in microseconds. `channel` is always the channel's
 * `seq`.
 */
export type Pin = { ts: number; user: string; at: number };
export type Reaction = { name: string; user: string };
export type Bookmark = {
  seq: number;
  title: string;
  link: string;
  emoji: string;
  user: string;
  created_at: number;
  /** 0 if it was never changed. */
  updated_at: number;
};

export type Marks = {
  /** Returns pins, newest first. */
  pins(channel: number): Pin[];
  /** Pins a message. Returns false if it is already pinned. */
  pin(channel: number, pin: Pin): boolean;
  /** Unpins a message. Returns false if it is not pinned. */
  unpin(channel: number, ts: number): boolean;
  reactions(channel: number, ts: number): Reaction[];
  /** Adds a reaction. Returns false if the user has already added it. */
  react(channel: number, ts: number, reaction: Reaction): boolean;
  /** Removes the marks of a deleted message. */
  clear(channel: number, ts: number): void;
  /** Returns bookmarks, oldest first. */
  bookmarks(channel: number): Bookmark[];
  addBookmark(channel: number, bookmark: Omit<Bookmark, 'seq' | 'updated_at'>): Bookmark;
  editBookmark(bookmark: Bookmark): void;
  removeBookmark(seq: number): void;
};

export function openMarks(db: DatabaseSync): Marks {
  const pins = db.prepare('select ts, user, at from slack_pins where channel = ? order by seq desc');
  const pin = db.prepare('insert or ignore into slack_pins (channel, ts, user, at) values (?, ?, ?, ?)');
  const unpin = db.prepare('delete from slack_pins where channel = ? and ts = ?');
  const reactions = db.prepare('select name, user from slack_reactions where channel = ? and ts = ? order by seq');
  const react = db.prepare('insert or ignore into slack_reactions (channel, ts, name, user) values (?, ?, ?, ?)');
  const unreact = db.prepare('delete from slack_reactions where channel = ? and ts = ?');
  const bookmarks = db.prepare('select * from slack_bookmarks where channel = ? order by seq');
  const addBookmark = db.prepare(`
    insert into slack_bookmarks (channel, title, link, emoji, user, created_at, updated_at)
    values (:channel, :title, :link, :emoji, :user, :created_at, 0) returning *`);
  const editBookmark = db.prepare(`
    update slack_bookmarks set title = ?, link = ?, emoji = ?, user = ?, updated_at = ? where seq = ?`);
  const removeBookmark = db.prepare('delete from slack_bookmarks where seq = ?');

  return {
    pins: (channel) => pins.all(channel) as Pin[],
    pin: (channel, { ts, user, at }) => pin.run(channel, ts, user, at).changes === 1,
    unpin: (channel, ts) => unpin.run(channel, ts).changes === 1,
    reactions: (channel, ts) => reactions.all(channel, ts) as Reaction[],
    react: (channel, ts, { name, user }) => react.run(channel, ts, name, user).changes === 1,
    clear(channel, ts) {
      unpin.run(channel, ts);
      unreact.run(channel, ts);
    },
    bookmarks: (channel) => bookmarks.all(channel) as Bookmark[],
    addBookmark: (channel, bookmark) => addBookmark.get({ channel, ...bookmark }) as Bookmark,
    editBookmark: ({ seq, title, link, emoji, user, updated_at: at }) =>
      void editBookmark.run(title, link, emoji, user, at, seq),
    removeBookmark: (seq) => void removeBookmark.run(seq),
  };
}
