import type { DatabaseSync } from 'node:sqlite';
import { ADMIN, PEOPLE } from './directory.ts';

/** Creation time of the workspace, in milliseconds since the Unix epoch: 2026-01-05T09:00:00Z. */
const WORKSPACE_CREATED_AT = 1_767_603_600_000;

/** The first channel. All people are members, and it can't be archived. */
const GENERAL = 1;

export const channelTables = `
  create table if not exists slack_channels (
    seq integer primary key,
    name text not null unique,
    creator text not null,
    created_at integer not null,
    private integer not null,
    archived integer not null default 0,
    topic text not null default '',
    topic_by text not null default '',
    topic_at integer not null default 0,
    purpose text not null default '',
    purpose_by text not null default '',
    purpose_at integer not null default 0,
    last_ts integer not null default 0
  );
  create table if not exists slack_members (
    channel integer not null references slack_channels (seq),
    user text not null,
    primary key (channel, user)
  ) without rowid;
  insert or ignore into slack_channels (seq, name, creator, created_at, private)
    values (${GENERAL}, 'general', '${ADMIN.id}', ${WORKSPACE_CREATED_AT}, 0);
  insert or ignore into slack_members (channel, user)
    values ${PEOPLE.map(({ id }) => `(${GENERAL}, '${id}')`).join(', ')};
`;

/** A channel. Times are in milliseconds since the Unix epoch, 0 for never; `private` and `archived` are 0 or 1. */
export type Channel = {
  seq: number;
  name: string;
  creator: string;
  created_at: number;
  private: number;
  archived: number;
  topic: string;
  topic_by: string;
  topic_at: number;
  purpose: string;
  purpose_by: string;
  purpose_at: number;
  /** The `ts` of its newest message in microseconds; 0 if it never had one. */
  last_ts: number;
};

export type Channels = {
  /** Creates a channel. Its creator is the first member. */
  create(channel: { name: string; creator: string; private: boolean; at: number }): Channel;
  byId(id: string): Channel | undefined;
  bySeq(seq: number): Channel | undefined;
  byName(name: string): Channel | undefined;
  /** Returns channels in the order of creation, starting after `after`. */
  all(after?: number): Channel[];
  describe(channel: Channel, what: 'topic' | 'purpose', value: string, by: string, at: number): Channel;
  setArchived(channel: Channel): void;
  /** Returns the user IDs of the members. */
  members(channel: Channel): string[];
  isMember(channel: Channel, user: string): boolean;
  join(channel: Channel, user: string): void;
  /**
   * Returns the `ts` of the next message in microseconds. It is later than all earlier ones, even if the clock goes
   * back.
   */
  nextTs(channel: Channel, at: number): number;
};

/** Returns the internal name of the direct messages between the app and a person. It is not a valid channel name. */
export const directName = (person: string): string => `@${person}`;

export const isDirect = ({ name }: Pick<Channel, 'name'>): boolean => name.startsWith('@');

export const idOf = (channel: Pick<Channel, 'seq' | 'name'>): string =>
  `${isDirect(channel) ? 'D' : 'C'}0${channel.seq.toString(36).toUpperCase().padStart(8, '0')}`;

function seqOf(id: string): number | undefined {
  const digits = /^[CD]0([0-9A-Z]{8})$/.exec(id)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 36);
}

export const isGeneral = ({ seq }: Channel): boolean => seq === GENERAL;

export function openChannels(db: DatabaseSync): Channels {
  const insert = db.prepare(`
    insert into slack_channels (name, creator, created_at, private) values (?, ?, ?, ?) returning *`);
  const bySeq = db.prepare('select * from slack_channels where seq = ?');
  const byName = db.prepare('select * from slack_channels where name = ?');
  const all = db.prepare('select * from slack_channels where seq > ? order by seq');
  const set = {
    topic: db.prepare('update slack_channels set topic = ?, topic_by = ?, topic_at = ? where seq = ? returning *'),
    purpose: db.prepare(`
      update slack_channels set purpose = ?, purpose_by = ?, purpose_at = ? where seq = ? returning *`),
  };
  const archive = db.prepare('update slack_channels set archived = 1 where seq = ?');
  const members = db.prepare('select user from slack_members where channel = ? order by user');
  const member = db.prepare('select 1 from slack_members where channel = ? and user = ?');
  const join = db.prepare('insert or ignore into slack_members (channel, user) values (?, ?)');
  const advance = db.prepare(`
    update slack_channels set last_ts = max(last_ts + 1, ?) where seq = ? returning last_ts`);

  return {
    create({ name, creator, private: isPrivate, at }) {
      const channel = insert.get(name, creator, at, isPrivate ? 1 : 0) as Channel;
      join.run(channel.seq, creator);
      return channel;
    },
    byId(id) {
      const seq = seqOf(id);
      const found = seq === undefined ? undefined : (bySeq.get(seq) as Channel | undefined);
      return found !== undefined && idOf(found) === id ? found : undefined;
    },
    bySeq: (seq) => bySeq.get(seq) as Channel | undefined,
    byName: (name) => byName.get(name) as Channel | undefined,
    all: (after = 0) => all.all(after) as Channel[],
    describe: ({ seq }, what, value, by, at) => set[what].get(value, by, at, seq) as Channel,
    setArchived: ({ seq }) => void archive.run(seq),
    members: ({ seq }) => (members.all(seq) as { user: string }[]).map(({ user }) => user),
    isMember: ({ seq }, user) => member.get(seq, user) !== undefined,
    join: ({ seq }, user) => void join.run(seq, user),
    nextTs: ({ seq }, at) => (advance.get(Math.floor(at) * 1000, seq) as { last_ts: number }).last_ts,
  };
}
