import type { Timestamp } from '../../../schemas/time/time.ts';
import type { ChatMessage, Text } from '../messages/chat-message.ts';
import type { SlackUser } from '../people/people.ts';
import type { VendorResponse } from './vendor-response.ts';

export type ChatChannel = {
  id: string;
  name: string;
  purpose: string;
  archived: boolean;
  /** The channel was created by this app. */
  isOwn: boolean;
};

/** Chat in which people discuss incidents. One attempt per call. */
export type Chat = {
  /** Whether it is a stand-in of the sandbox with simulated people. Absent: no. */
  standIn?(): Promise<boolean>;
  /** Creates a channel and joins it. Refused with `name_taken` if a channel of this name exists, archived or not. */
  createChannel(name: string): Promise<VendorResponse<{ id: string }>>;
  /** Searches all channels, including archived ones: slow. */
  findChannel(name: string): Promise<VendorResponse<ChatChannel | null>>;
  /** Returns the names of channels with this prefix, including archived ones. */
  channelNames(prefix: string): Promise<VendorResponse<string[]>>;
  setTopic(channel: string, topic: Text): Promise<VendorResponse<null>>;
  setPurpose(channel: string, purpose: string): Promise<VendorResponse<null>>;
  /**
   * Posts a message.
   * @param channel an ID, or `#name` of a public channel
   * @param key key by which `findPost` finds the message
   */
  post(channel: string, message: ChatMessage, key: string): Promise<VendorResponse<{ channel: string; id: string }>>;
  /** Finds the message with this key, not older than `since`. @param channel an ID */
  findPost(channel: string, key: string, since: Timestamp): Promise<VendorResponse<{ id: string } | null>>;
  /** Edits a message. Refused with `message_not_found` if someone deleted it. */
  edit(channel: string, id: string, message: ChatMessage, key: string): Promise<VendorResponse<null>>;
  pin(channel: string, id: string): Promise<VendorResponse<null>>;
  /** Replaces the app's bookmarks; bookmarks of people are kept. */
  setBookmarks(channel: string, links: readonly { title: string; url: string }[]): Promise<VendorResponse<null>>;
  /**
   * Invites people who are not members yet; no effect for members. Rejected people are returned and do not prevent
   * other invitations.
   *
   * @param users user IDs
   */
  invite(channel: string, users: readonly string[]): Promise<VendorResponse<FailedInvitation[]>>;
  archive(channel: string): Promise<VendorResponse<null>>;
};

/** `code`: the chat's error code. */
export type FailedInvitation = { user: string; code: string };

/** The installation of the app. */
export type ChatApp = {
  /** The workspace: its ID, its enterprise's ID, and its name. */
  workspace: { id: string | null; enterprise: string | null; name: string };
  /** Missing scopes, with the features that need them. Null: the chat does not report scopes. */
  lacks: { scope: string; without: string }[] | null;
};

/** Directory of the chat's users. One attempt per call. */
export type Directory = {
  /** Whether its people are simulated in the sandbox. Absent: no. */
  standIn?(): Promise<boolean>;
  /** @param workspaces workspaces whose users count as members; empty: the app's own. Null: no such user */
  user(id: string, workspaces: readonly string[]): Promise<VendorResponse<Omit<SlackUser, 'groups'> | null>>;
  /** Returns the installation of the app. Read-only. */
  app(): Promise<VendorResponse<ChatApp>>;
  /** Returns the ID of the member with this email address. Null: none. */
  userByEmail(email: string): Promise<VendorResponse<string | null>>;
  /** Returns the user IDs of a user group. */
  groupMembers(id: string): Promise<VendorResponse<string[]>>;
  /** Returns a message, with its author and URL. Null: it does not exist, or the app may not read it. */
  message(
    channel: string,
    id: string,
  ): Promise<VendorResponse<{ text: string; user: string | null; url: string | null } | null>>;
};

/** Context for responding to a user's action: the response URL, else the channel, else a direct message. */
export type ReplyTo = { user: string; channel: string | null; responseUrl: string | null };

/** Ephemeral messages, which in most cases only one person sees. One attempt per call. */
export type EphemeralMessages = {
  /** @param isPublic makes the message visible to the whole channel if the action has a response URL */
  send(replyTo: ReplyTo, message: ChatMessage, isPublic?: boolean): Promise<VendorResponse<null>>;
  /** Sends a direct message from the app, with a notification. */
  write(user: string, message: ChatMessage): Promise<VendorResponse<null>>;
};
