import type { Button } from '../../../schemas/slack/button.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { PagerUser } from '../paging/pagerduty/users.ts';
import type { SlackUser } from '../people/people.ts';

/**
 * Result of one request to a vendor. `later`: certainly not done. `unclear`: may have been done, or may still be: check
 * before repeating. `refused`: fails until someone changes something; `code` is the vendor's error code.
 */
export type VendorResponse<T> =
  | { kind: 'done'; value: T }
  | { kind: 'later'; detail: string; afterSeconds: number | null }
  | { kind: 'unclear'; detail: string }
  | { kind: 'refused'; code: string; detail: string }
  | { kind: 'off'; detail: string };

/**
 * Text in spans. The content of a span is displayed literally: only a `link` is a link, and only a `channel`, `user`,
 * or `group` is a mention. So text from an alert can neither mention anyone nor forge a link.
 */
export type Span =
  | string
  | { bold: string }
  | { code: string }
  /** A time, shown in each reader's time zone where the channel supports it. */
  | { at: Timestamp; seconds?: true }
  /** http and https only. */
  | { link: string; text: string }
  /** A channel ID. */
  | { channel: string }
  /** ID of a user or user group, who are notified. */
  | { user: string }
  | { group: string };
export type Text = readonly Span[];

/** Formats a time for readers with unknown time zones: `2026-11-20 17:05 UTC`. */
export const utcWords = ({ at, seconds }: { at: Timestamp; seconds?: true }): string =>
  `${at.slice(0, 10)} ${at.slice(11, seconds ? 19 : 16)} UTC`;

/** A vendor-neutral message; the vendor's client truncates it to its limits. */
export type ChatMessage = {
  /** One line for notifications and for clients without rich text. In spans if it mentions someone. */
  summary: string | Text;
  parts: readonly ChatPart[];
};

export type ChatPart =
  | { kind: 'header'; text: string }
  | { kind: 'text'; text: Text }
  | { kind: 'fields'; fields: readonly { name: string; value: Text }[] }
  /** Text in small print. */
  | { kind: 'note'; text: Text }
  | { kind: 'line' }
  | { kind: 'buttons'; buttons: readonly ChatButton[] };

/** A button: its action and its label. */
export type ChatButton = {
  button: Button;
  text: string;
  /** At most one `primary` button per message; `danger` marks irreversible actions. */
  style?: 'primary' | 'danger';
  /** Confirmation dialog before the action. */
  confirm?: { title: string; text: string; yes: string; no: string };
};

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

/** An email to a single address, so that recipients do not see each other. */
export type Email = {
  to: string;
  subject: string;
  text: string;
  /** The same as HTML. Absent: the email is plain text. */
  html?: string;
  /** Idempotency key: it becomes the message ID, by which mail programs detect duplicates. */
  key: string;
  /** Address that ends the subscription with one POST request (RFC 8058). Absent: nobody subscribed to it. */
  unsubscribe?: string;
};

/**
 * Result of one delivery. `closed`: certainly not done, and any other recipient would fail equally: the server is
 * unreachable, or Firebreak itself is rejected. `later` and `refused` concern only this recipient.
 */
export type Delivered = VendorResponse<unknown> | { kind: 'closed'; detail: string; afterSeconds: number | null };

/** Email. One attempt per call; whether a message was sent cannot be queried. */
export type Mail = {
  send(email: Email): Promise<Delivered>;
};

/** Annotation on graphs: a point in time, or a region with `until`. */
export type Annotation = {
  from: Timestamp;
  until: Timestamp | null;
  tags: readonly string[];
  text: string;
  /** Link to a page with the details. Absent: none. */
  url?: string;
  /** Page of the system that reported it, such as the run of a pipeline. Absent: none. */
  sourceUrl?: string;
};

/** Annotations on graphs. One attempt per call. */
export type Annotations = {
  /** Finds the newest annotation with this tag. */
  find(tag: string): Promise<VendorResponse<{ id: string } | null>>;
  create(annotation: Annotation): Promise<VendorResponse<{ id: string }>>;
  /** Updates an annotation. Refused with `not_found` if someone deleted it. */
  update(id: string, annotation: Annotation): Promise<VendorResponse<null>>;
};

export type Ticket = {
  /** Key by which the ticket is found again. */
  key: string;
  title: string;
  /** Markdown built from escaped parts. */
  body: string;
  labels: readonly string[];
};

/** Ticket system, for work that can wait. One attempt per call. */
export type Tickets = {
  /** Whether it is a stand-in of the sandbox. */
  standIn?: boolean;
  /**
   * Finds a ticket by key. Null: none. A system that cannot be searched always returns null and honors the key on
   * creation instead.
   */
  find(key: string): Promise<VendorResponse<{ id: string; url: string | null } | null>>;
  open(ticket: Ticket): Promise<VendorResponse<{ id: string; url: string | null }>>;
  /** Adds a comment once per `key`. */
  comment(id: string, text: string, key: string): Promise<VendorResponse<null>>;
};

/** An active Alertmanager silence. */
export type Silence = {
  id: string;
  matchers: readonly { name: string; value: string; isRegex: boolean; isEqual: boolean }[];
  startsAt: Timestamp;
  endsAt: Timestamp;
  createdBy: string;
  comment: string;
};

export type Silences = {
  /**
   * Returns the active silences, at most a few seconds old. Null: no Alertmanager is connected, or it did not answer in
   * time.
   */
  active(): Promise<readonly Silence[] | null>;
  /**
   * Returns whether a slow-burn alert is inhibited while the fast-burn alert of its objective fires. Null: as in
   * `active`.
   */
  inhibitsSlowBurns(): Promise<boolean | null>;
};

/** An incident at the pager that another system opened. */
export type ExternalIncident = {
  id: string;
  /** URL of the incident for people. */
  url: string | null;
  title: string;
  status: 'triggered' | 'acknowledged' | 'resolved';
  /** Names of people. */
  acknowledgedBy: readonly string[];
  assignedTo: readonly string[];
  /** Latest acknowledgement; `by` null: not by a person. Null: not acknowledged. */
  acknowledged: { by: PagerUser | null; at: Timestamp } | null;
  /** Person who resolved it. Null: unresolved, or not resolved by a person. */
  resolvedBy: PagerUser | null;
  createdAt: Timestamp;
};

/** Properties of an incident for finding the external incident that pages for the same problem. */
export type ExternalQuery = {
  /** Group keys of the notifications, as sent. */
  groupKeys: readonly string[];
  /** Label sets of the firing alerts, as sent. */
  alerts: readonly (readonly (readonly [string, string])[])[];
  /** Service name in the alerts. */
  service: string;
  environment: string;
  /** Without a known key, only incidents opened since this time are searched. */
  since: Timestamp;
};

/** `by`: it has one of the group keys, contains one of the alerts, or is the only one that names the same service. */
export type ExternalFound =
  | { incident: ExternalIncident; by: 'group_key' | 'labels' | 'names' }
  | { incident: null; because: string };

/** Pager that other systems page through: finds, annotates, and follows their incidents. One attempt per call. */
export type ExternalPager = {
  /**
   * Finds the newest incident opened under one of Firebreak's keys, in any state; if it was merged, the incident that
   * it was merged into. Null: none (yet).
   */
  paged(key: string): Promise<VendorResponse<ExternalIncident | null>>;
  /**
   * Searches the open incidents. The vendor may show new ones with a delay. An incident found by its group key may be
   * much older than Firebreak's; once it is acknowledged, alerts that join it notify no responder.
   */
  find(query: ExternalQuery): Promise<VendorResponse<ExternalFound>>;
  /** Adds a note once per `key`. Refused with `not_found` if the incident no longer exists. */
  annotate(id: string, text: string, key: string): Promise<VendorResponse<null>>;
  /** Reads an incident; if it was merged, the one that it was merged into. Null: it no longer exists. */
  read(id: string): Promise<VendorResponse<ExternalIncident | null>>;
  /** Checks the credentials. */
  check(): Promise<VendorResponse<null>>;
};
