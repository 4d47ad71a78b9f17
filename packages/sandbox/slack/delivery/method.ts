import { required } from './arguments.ts';
import { type Channel, isDirect } from '../channels.ts';
import { BOT } from '../directory.ts';
import { tsOf } from '../ts.ts';
import { Refused, type Fields } from './refusal.ts';
import type { RateWindow } from '../../core/rate-limit.ts';
import type { Workspace } from '../workspace.ts';

export type Call = {
  args: Fields;
  /** Milliseconds since the Unix epoch. */
  at: number;
  workspace: Workspace;
};

/** The rate limit of a method for one token, in total or for each value of `per`. */
export type Limit = RateWindow & { per?(call: Call): string };

export type Method = {
  limits: readonly Limit[];
  /**
   * Runs the call, and returns the fields of the response besides `ok`.
   *
   * @throws Refused before any change
   */
  run(call: Call): Fields;
};

export type Methods = Readonly<Record<string, Method>>;

export const method = (limit: Limit, run: Method['run']): Method => ({ limits: [limit], run });

/**
 * Returns the channel by ID, which is the only reference that most methods accept.
 *
 * @throws Refused `channel_not_found`
 */
export function channelOf({ args, workspace }: Call, name = 'channel'): Channel {
  const channel = workspace.channels.byId(required(args, name));
  if (!channel) throw new Refused('channel_not_found');
  return channel;
}

/** @throws Refused `not_in_channel` if the app is not a member */
export function mustBeMember(channel: Channel, { workspace }: Call): void {
  if (!workspace.channels.isMember(channel, BOT.id)) throw new Refused('not_in_channel');
}

/** Rejects direct messages, since most channel methods do not support them. @throws Refused */
export function mustNotBeDirect(channel: Channel): void {
  if (isDirect(channel)) throw new Refused('method_not_supported_for_channel_type');
}

/** @throws Refused with `code` */
export function mustBeOpen(channel: Channel, code = 'is_archived'): void {
  if (channel.archived) throw new Refused(code);
}

/** Returns a message's `ts`. @throws Refused with `code` if it is invalid */
export function messageTs({ args }: Call, name: string, code: string): number {
  const ts = tsOf(required(args, name));
  if (ts === undefined) throw new Refused(code);
  return ts;
}

/** Returns an opaque cursor for a position in a list. */
export const cursorAt = (kind: string, position: number): string =>
  Buffer.from(`${kind}:${position}`).toString('base64');

/**
 * Returns the position of a cursor; `undefined` for the first page.
 *
 * @throws Refused `invalid_cursor`
 */
export function positionOf(cursor: string | undefined, kind: string): number | undefined {
  if (!cursor) return undefined;
  const [, given, position] = /^(\w+):(\d{1,16})$/.exec(Buffer.from(cursor, 'base64').toString()) ?? [];
  if (given !== kind || position === undefined) throw new Refused('invalid_cursor');
  return Number(position);
}
