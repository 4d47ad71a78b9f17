import type { DatabaseSync } from 'node:sqlite';
import { channelTables, openChannels, type Channel, type Channels } from './channels.ts';
import { documentTables } from '../core/exchanges.ts';
import type { Person } from './directory.ts';
import { openEphemerals, type Ephemeral, type Ephemerals } from './ephemerals.ts';
import { openMarks, type Marks } from './blocks/marks.ts';
import { messageTables, openMessages, type Content, type Message, type Messages } from './messages.ts';
import { openInstallation, type Installation } from './installation.ts';
import { openModals, type Modals } from './blocks/modals.ts';
import { openResponseUrls, type ResponseUrls } from './delivery/response-urls.ts';
import { openTriggers, type Triggers } from './delivery/triggers.ts';

export const workspaceTables = channelTables + messageTables + documentTables;

/** The complete state of the workspace. */
export type Workspace = {
  channels: Channels;
  messages: Messages;
  /** Pins, reactions, and bookmarks. */
  marks: Marks;
  ephemerals: Ephemerals;
  modals: Modals;
  triggers: Triggers;
  responseUrls: ResponseUrls;
  installation: Installation;
  /** Called within the transaction in which the app invites a person. */
  notifyInvited(invited: Invited): void;
};

/** @param at milliseconds since the Unix epoch */
export type Invited = { person: Person; channel: Channel; at: number };

/**
 * Listeners for people who enter a channel, which notify the app. By database, which all parts of a workspace share.
 */
const listeners = new WeakMap<DatabaseSync, (invited: Invited) => void>();

export const onInvited = (db: DatabaseSync, listener: (invited: Invited) => void): void =>
  void listeners.set(db, listener);

export const openWorkspace = (db: DatabaseSync): Workspace => ({
  channels: openChannels(db),
  messages: openMessages(db),
  marks: openMarks(db),
  ephemerals: openEphemerals(db),
  modals: openModals(db),
  triggers: openTriggers(db),
  responseUrls: openResponseUrls(db),
  installation: openInstallation(db),
  notifyInvited: (invited) => listeners.get(db)?.(invited),
});

export type AuthoredMessage = { user: string; subtype: string | null; thread_ts: number | null; content: Content };

/** Adds a message as the newest of the channel. @param at milliseconds since the Unix epoch */
export const addMessage = (
  { channels, messages }: Workspace,
  channel: Channel,
  message: AuthoredMessage,
  at: number,
): Message => messages.add(channel.seq, { ...message, ts: channels.nextTs(channel, at) });

/** Adds an ephemeral message as the newest of the channel. @param at milliseconds since the Unix epoch */
export function addEphemeral(
  { channels, ephemerals }: Workspace,
  channel: Channel,
  message: Omit<Ephemeral, 'ts'>,
  at: number,
): Ephemeral {
  const ephemeral = { ...message, ts: channels.nextTs(channel, at) };
  ephemerals.add(channel.seq, ephemeral);
  return ephemeral;
}

/** Adds the system message that Slack writes when a person changes a channel. */
export function addSystemMessage(
  workspace: Workspace,
  channel: Channel,
  user: string,
  subtype: string,
  text: string,
  at: number,
) {
  addMessage(workspace, channel, { user, subtype, thread_ts: null, content: { text: `<@${user}> ${text}` } }, at);
}

/** Adds a member to a channel, with the system message about it. */
export function addMember(workspace: Workspace, channel: Channel, user: string, at: number): void {
  if (workspace.channels.isMember(channel, user)) return;
  workspace.channels.join(channel, user);
  addSystemMessage(workspace, channel, user, 'channel_join', 'has joined the channel', at);
}
