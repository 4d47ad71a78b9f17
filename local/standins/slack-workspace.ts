import type { DatabaseSync } from 'node:sqlite';
import { channelTables, openChannels, type Channel, type Channels } from './slack-channels.ts';
import { markTables, openMarks, type Marks } from './slack-marks.ts';
import { messageTables, openMessages, type Content, type Message, type Messages } from './slack-messages.ts';

export const workspaceTables = channelTables + messageTables + markTables;

/** All that the workspace holds. */
export type Workspace = { channels: Channels; messages: Messages; marks: Marks };

export const openWorkspace = (db: DatabaseSync): Workspace => ({
  channels: openChannels(db),
  messages: openMessages(db),
  marks: openMarks(db),
});

export type Said = { user: string; subtype: string | null; thread_ts: number | null; content: Content };

/** Adds a message as the channel's newest. @param at milliseconds since the Unix epoch */
export const say = ({ channels, messages }: Workspace, channel: Channel, said: Said, at: number): Message =>
  messages.add(channel.seq, { ...said, ts: channels.nextTs(channel, at) });

/** The line that Slack itself writes into a channel when somebody changes it. */
export function note(workspace: Workspace, channel: Channel, user: string, subtype: string, text: string, at: number) {
  say(workspace, channel, { user, subtype, thread_ts: null, content: { text: `<@${user}> ${text}` } }, at);
}

/** Makes somebody a member, with the line that says so. */
export function enter(workspace: Workspace, channel: Channel, user: string, at: number): void {
  if (workspace.channels.isMember(channel, user)) return;
  workspace.channels.join(channel, user);
  note(workspace, channel, user, 'channel_join', 'has joined the channel', at);
}
