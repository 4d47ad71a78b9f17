import type { DatabaseSync } from 'node:sqlite';
import { documents } from '../core/exchanges.ts';
import type { Content } from './messages.ts';

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

export type Ephemerals = ReturnType<typeof openEphemerals>;

/** The parameter `channel` is the channel's `seq`. */
export function openEphemerals(db: DatabaseSync) {
  const messagesIn = (channel: number) => documents<Ephemeral>(db, `slack ephemeral in ${channel}`);
  return {
    add: (channel: number, message: Ephemeral) => messagesIn(channel).put(message, String(message.ts)),
    get: (channel: number, ts: number) => messagesIn(channel).get(String(ts)),
    edit(channel: number, ts: number, content: Content): void {
      const before = messagesIn(channel).get(String(ts));
      if (before) messagesIn(channel).put({ ...before, content }, String(ts));
    },
    remove: (channel: number, ts: number) => messagesIn(channel).drop(String(ts)),
    /** Returns the newest messages of a channel for all people, oldest first. */
    all: (channel: number, limit: number): Ephemeral[] => messagesIn(channel).all().slice(-limit),
  };
}
