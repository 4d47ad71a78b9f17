import type { DatabaseSync } from 'node:sqlite';
import { documents } from '../../core/exchanges.ts';

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

export type Marks = ReturnType<typeof openMarks>;

export function openMarks(db: DatabaseSync) {
  const pinsIn = (channel: number) => documents<Pin>(db, `slack pin in ${channel}`);
  const reactionsTo = (channel: number, ts: number) => documents<Reaction>(db, `slack reaction to ${channel} ${ts}`);
  const allBookmarks = documents<Bookmark & { channel: number; isRemoved: boolean }>(db, 'slack bookmark');
  const changeBookmark = (seq: number, change: Partial<Bookmark & { isRemoved: boolean }>): void => {
    const before = allBookmarks.get(String(seq));
    if (before) allBookmarks.put({ ...before, ...change }, String(seq));
  };
  const unpin = (channel: number, ts: number): boolean => {
    const isPinned = pinsIn(channel).get(String(ts)) !== undefined;
    pinsIn(channel).drop(String(ts));
    return isPinned;
  };
  return {
    /** Returns pins, newest first. */
    pins: (channel: number): Pin[] => pinsIn(channel).all().toReversed(),
    /** Pins a message. Returns false if it is already pinned. */
    pin(channel: number, pin: Pin): boolean {
      const isNew = pinsIn(channel).get(String(pin.ts)) === undefined;
      if (isNew) pinsIn(channel).put(pin, String(pin.ts));
      return isNew;
    },
    /** Unpins a message. Returns false if it is not pinned. */
    unpin,
    reactions: (channel: number, ts: number): Reaction[] => reactionsTo(channel, ts).all(),
    /** Adds a reaction. Returns false if the user has already added it. */
    react(channel: number, ts: number, { name, user }: Reaction): boolean {
      const isNew = reactionsTo(channel, ts).get(name, user) === undefined;
      if (isNew) reactionsTo(channel, ts).put({ name, user }, name, user);
      return isNew;
    },
    /** Removes the marks of a deleted message. */
    clear(channel: number, ts: number): void {
      unpin(channel, ts);
      for (const { name, user } of reactionsTo(channel, ts).all()) reactionsTo(channel, ts).drop(name, user);
    },
    /** Returns bookmarks, oldest first. */
    bookmarks: (channel: number): Bookmark[] =>
      allBookmarks.all().filter((bookmark) => bookmark.channel === channel && !bookmark.isRemoved),
    addBookmark(channel: number, bookmark: Omit<Bookmark, 'seq' | 'updated_at'>): Bookmark {
      const seq = allBookmarks.count() + 1;
      return allBookmarks.put({ ...bookmark, channel, seq, updated_at: 0, isRemoved: false }, String(seq));
    },
    editBookmark: (bookmark: Bookmark): void => changeBookmark(bookmark.seq, bookmark),
    /** A removed bookmark stays, so that no other one gets its ID. */
    removeBookmark: (seq: number): void => changeBookmark(seq, { isRemoved: true }),
  };
}
