import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { TEAM } from '../directory.ts';
import { RESPONSE_URL_MS, RESPONSE_URL_USES } from './limits.ts';
import { Refused } from './refusal.ts';

export const responseUrlTables = `
  create table if not exists slack_response_urls (
    path text primary key,
    user text not null,
    channel integer not null,
    ts integer,
    ephemeral integer not null,
    at integer not null,
    uses integer not null default 0
  ) without rowid;
`;

/** The target of a message to a `response_url`. */
export type ResponseTarget = {
  /** The ID of the person who sees ephemeral messages. */
  user: string;
  /** The channel's `seq`. */
  channel: number;
  /** The `ts` of the message with the interaction, in microseconds; `null` if there is none. */
  ts: number | null;
  /** Whether that message is ephemeral: 0 or 1. */
  ephemeral: number;
};

export type ResponseUrls = {
  /**
   * Creates a response URL, and returns its path with a slash at the start.
   *
   * @param at milliseconds since the Unix epoch
   */
  create(kind: 'commands' | 'actions' | 'app', target: ResponseTarget, at: number): string;
  /** Counts a use. @throws Refused `no_service`, `expired_url`, `used_url` */
  use(path: string, at: number): ResponseTarget;
};

type Row = ResponseTarget & { at: number; uses: number };

/** @see https://docs.slack.dev/interactivity/handling-user-interaction (read 2026-11): five uses within 30 minutes */
export function openResponseUrls(db: DatabaseSync): ResponseUrls {
  const insert = db.prepare(
    'insert into slack_response_urls (path, user, channel, ts, ephemeral, at) values (?, ?, ?, ?, ?, ?)',
  );
  const select = db.prepare('select user, channel, ts, ephemeral, at, uses from slack_response_urls where path = ?');
  const count = db.prepare('update slack_response_urls set uses = uses + 1 where path = ?');
  const forget = db.prepare('delete from slack_response_urls where at < ?');

  return {
    create(kind, { user, channel, ts, ephemeral }, at) {
      forget.run(at - 2 * RESPONSE_URL_MS); // until then, the error is `expired_url`
      const path = `/${kind}/${TEAM.id}/${Math.floor(at)}/${randomBytes(18).toString('base64url')}`;
      insert.run(path, user, channel, ts, ephemeral, at);
      return path;
    },
    use(path, at) {
      const row = select.get(path) as Row | undefined;
      if (row === undefined) throw new Refused('no_service');
      if (at - row.at > RESPONSE_URL_MS) throw new Refused('expired_url');
      if (row.uses >= RESPONSE_URL_USES) throw new Refused('used_url');
      count.run(path);
      const { user, channel, ts, ephemeral } = row;
      return { user, channel, ts, ephemeral };
    },
  };
}
