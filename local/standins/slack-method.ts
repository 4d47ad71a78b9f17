import { required } from './slack-arguments.ts';
import { type Channel, isDirect } from './slack-channels.ts';
import { BOT } from './slack-directory.ts';
import { tsOf } from './slack-ts.ts';
import { Refused, type Fields } from './slack-refusal.ts';
import type { RateWindow } from './rate-limit.ts';
import type { Workspace } from './slack-workspace.ts';

export type Call = {
  args: Fields;
  /** Milliseconds since the Unix epoch. */
  at: number;
  workspace: Workspace;
};

/** How often a method may be called with one token: at all, or for each value of `per`. */
export type Limit = RateWindow & { per?(call: Call): string };

export type Method = {
  limits: readonly Limit[];
  /**
   * Does the call; gives the fields of the answer beside `ok`.
   *
   * @throws Refused before it has changed anything
   */
  run(call: Call): Fields;
};

export type Methods = Readonly<Record<string, Method>>;

export const method = (limit: Limit, run: Method['run']): Method => ({ limits: [limit], run });

/**
 * The channel that is named by its id, the only way in which most methods take it.
 *
 * @throws Refused `channel_not_found`
 */
export function channelOf({ args, workspace }: Call, name = 'channel'): Channel {
  const channel = workspace.channels.byId(required(args, name));
  if (!channel) throw new Refused('channel_not_found');
  return channel;
}

/** @throws Refused `not_in_channel` when the app is no member */
export function mustBeMember(channel: Channel, { workspace }: Call): void {
  if (!workspace.channels.isMember(channel, BOT.id)) throw new Refused('not_in_channel');
}

/** What is done to channels is not done to what one person and the app say to each other. @throws Refused */
export function mustNotBeDirect(channel: Channel): void {
  if (isDirect(channel)) throw new Refused('method_not_supported_for_channel_type');
}

/** @throws Refused with `code` */
export function mustBeOpen(channel: Channel, code = 'is_archived'): void {
  if (channel.archived) throw new Refused(code);
}

/** A message's `ts`. @throws Refused with `code` when it is none */
export function messageTs({ args }: Call, name: string, code: string): number {
  const ts = tsOf(required(args, name));
  if (ts === undefined) throw new Refused(code);
  return ts;
}

/** A place in a list, as text that a client cannot read anything from. */
export const cursorAt = (kind: string, position: number): string =>
  Buffer.from(`${kind}:${position}`).toString('base64');

/**
 * Where the page before ended; `undefined` for the first page.
 *
 * @throws Refused `invalid_cursor`
 */
export function positionOf(cursor: string | undefined, kind: string): number | undefined {
  if (!cursor) return undefined;
  const [, given, position] = /^(\w+):(\d{1,16})$/.exec(Buffer.from(cursor, 'base64').toString()) ?? [];
  if (given !== kind || position === undefined) throw new Refused('invalid_cursor');
  return Number(position);
}
