import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { documents } from '../../core/exchanges.ts';
import { TEAM } from '../directory.ts';
import { RESPONSE_URL_MS, RESPONSE_URL_USES } from './limits.ts';
import { Refused } from './refusal.ts';

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

export type ResponseUrls = ReturnType<typeof openResponseUrls>;

/** @see https://docs.slack.dev/interactivity/handling-user-interaction (read 2026-11): five uses within 30 minutes */
export function openResponseUrls(db: DatabaseSync) {
  const urls = documents<{ path: string; target: ResponseTarget; at: number; uses: number }>(db, 'slack response URL');
  return {
    /**
     * Creates a response URL, and returns its path with a slash at the start.
     *
     * @param at milliseconds since the Unix epoch
     */
    create(kind: 'commands' | 'actions' | 'app', target: ResponseTarget, at: number): string {
      // Until then, the error is `expired_url`.
      for (const old of urls.all()) if (old.at < at - 2 * RESPONSE_URL_MS) urls.drop(old.path);
      const path = `/${kind}/${TEAM.id}/${Math.floor(at)}/${randomBytes(18).toString('base64url')}`;
      return urls.put({ path, target, at, uses: 0 }, path).path;
    },
    /** Counts a use. @throws Refused `no_service`, `expired_url`, `used_url` */
    use(path: string, at: number): ResponseTarget {
      const found = urls.get(path);
      if (found === undefined) throw new Refused('no_service');
      if (at - found.at > RESPONSE_URL_MS) throw new Refused('expired_url');
      if (found.uses >= RESPONSE_URL_USES) throw new Refused('used_url');
      return urls.put({ ...found, uses: found.uses + 1 }, path).target;
    },
  };
}
