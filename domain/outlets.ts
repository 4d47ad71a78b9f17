import type { ComponentStatus, PublicStatus } from '../schemas/outlets.ts';
import type { Button } from '../schemas/slack/button.ts';
import type { Timestamp } from '../schemas/time.ts';
import type { PagerUser } from './pagerduty/agents.ts';
import type { SlackUser } from './people.ts';

/**
 * How one attempt at an outlet ended. `later`: it was certainly not done. `unclear`: it may have been done, or may yet
 * be: look before it is repeated. `refused`: it will not work until somebody changes something; `code` is the vendor's.
 */
export type Told<T> =
  | { kind: 'done'; value: T }
  | { kind: 'later'; detail: string; afterSeconds: number | null }
  | { kind: 'unclear'; detail: string }
  | { kind: 'refused'; code: string; detail: string }
  | { kind: 'off'; detail: string };

/**
 * Text in pieces. Whatever a piece holds is shown as it is: only a `link` is a link, only a `channel`, a `user` or a
 * `group` a mention. So text that comes from an alert can neither mention anybody nor forge a link.
 */
export type Span =
  | string
  | { bold: string }
  | { code: string }
  /** A time, which each reader sees in their own time zone where the outlet can show it so. */
  | { at: Timestamp; seconds?: true }
  /** http and https only. */
  | { link: string; text: string }
  /** The id of a channel. */
  | { channel: string }
  /** The id of a user, or of a group of users: they are notified. */
  | { user: string }
  | { group: string };
export type Text = readonly Span[];

/** A time where readers' time zones are not known: `2026-11-20 17:05 UTC`. */
export const utcWords = ({ at, seconds }: { at: Timestamp; seconds?: true }): string =>
  `${at.slice(0, 10)} ${at.slice(11, seconds ? 19 : 16)} UTC`;

/** A message in our own words; the outlet cuts it to its limits. */
export type ChatMessage = {
  /** One line for notifications and for clients that show no more. In pieces where somebody is named in it. */
  summary: string | Text;
  parts: readonly ChatPart[];
};

export type ChatPart =
  | { kind: 'header'; text: string }
  | { kind: 'text'; text: Text }
  | { kind: 'fields'; fields: readonly { name: string; value: Text }[] }
  /** Small print. */
  | { kind: 'note'; text: Text }
  | { kind: 'line' }
  | { kind: 'buttons'; buttons: readonly ChatButton[] };

/** Something to be pressed: what it means, and what it says. */
export type ChatButton = {
  button: Button;
  text: string;
  /** At most one `primary` is in sight; `danger` is what cannot be taken back. */
  style?: 'primary' | 'danger';
  /** Asked before it counts. */
  confirm?: { title: string; text: string; yes: string; no: string };
};

export type ChatChannel = {
  id: string;
  name: string;
  purpose: string;
  archived: boolean;
  /** This app has made it. */
  ours: boolean;
};

/** Where people talk about an incident. One attempt per call. */
export type Chat = {
  /** Whether it is a stand-in of the sandbox, where only played people are. Absent: it isn't. */
  standIn?(): Promise<boolean>;
  /** Joins it, too. Refused with `name_taken` when there is one of this name, archived or not. */
  createChannel(name: string): Promise<Told<{ id: string }>>;
  /** Looks through all channels, archived ones too: slow. */
  findChannel(name: string): Promise<Told<ChatChannel | null>>;
  /** Names of channels that begin so, archived ones too. */
  channelNames(prefix: string): Promise<Told<string[]>>;
  setTopic(channel: string, topic: Text): Promise<Told<null>>;
  setPurpose(channel: string, purpose: string): Promise<Told<null>>;
  /**
   * @param channel an id, or `#name` of a public channel
   * @param key by which the message is found again
   */
  post(channel: string, message: ChatMessage, key: string): Promise<Told<{ channel: string; id: string }>>;
  /** The message with this key, not older than `since`. @param channel an id */
  findPost(channel: string, key: string, since: Timestamp): Promise<Told<{ id: string } | null>>;
  /** Refused with `message_not_found` when somebody has deleted it. */
  edit(channel: string, id: string, message: ChatMessage, key: string): Promise<Told<null>>;
  pin(channel: string, id: string): Promise<Told<null>>;
  /** Makes our bookmarks be these; those of people stay. */
  setBookmarks(channel: string, links: readonly { title: string; url: string }[]): Promise<Told<null>>;
  /**
   * Lets people in who are not there yet; for who is, nothing is done. Those whom the chat does not let in are told of,
   * and keep nobody else out.
   *
   * @param users their ids
   */
  invite(channel: string, users: readonly string[]): Promise<Told<NotLetIn[]>>;
  archive(channel: string): Promise<Told<null>>;
};

/** `code`: why, in the chat's word. */
export type NotLetIn = { user: string; code: string };

/** How the app is installed. */
export type ChatApp = {
  /** The workspace: its id, that of what it is a part of, and how people call it. */
  workspace: { id: string | null; enterprise: string | null; name: string };
  /** What it may not do of what it needs, and what there is not for that. Null: the chat does not tell. */
  lacks: { scope: string; without: string }[] | null;
};

/** Who somebody is in the chat. One attempt per call. */
export type Directory = {
  /** Whether its people are only played in the sandbox. Absent: they aren't. */
  standIn?(): Promise<boolean>;
  /** @param workspaces whose members count; none: the app's own. Null: there is no such user */
  user(id: string, workspaces: readonly string[]): Promise<Told<Omit<SlackUser, 'groups'> | null>>;
  /** As whom we are there. It changes nothing. */
  app(): Promise<Told<ChatApp>>;
  /** The id of the member who has this address. Null: nobody has. */
  userByEmail(email: string): Promise<Told<string | null>>;
  /** Ids of the members of a user group. */
  groupMembers(id: string): Promise<Told<string[]>>;
  /** What somebody has said there, and where that is read. Null: it is not there, or the app may not read it. */
  message(channel: string, id: string): Promise<Told<{ text: string; user: string | null; url: string | null } | null>>;
};

/** Where an answer to somebody's act goes: to the address that came with it, else where they were, else to them alone. */
export type Ear = { user: string; channel: string | null; responseUrl: string | null };

/** Tells one person something that others do not see, in most cases. One attempt per call. */
export type Whispers = {
  /** @param aloud whoever is in the channel sees it, too, where the act came with an address to answer to */
  tell(ear: Ear, message: ChatMessage, aloud?: boolean): Promise<Told<null>>;
  /** As a message of the app, which they are notified of. */
  write(user: string, message: ChatMessage): Promise<Told<null>>;
};

/** A letter in plain text, to one address: nobody has to see who else is told. */
export type Letter = {
  to: string;
  subject: string;
  text: string;
  /** The same for the same letter: it becomes the message id, by which mail programs know what came twice. */
  key: string;
};

/**
 * How one attempt at a receiver ended. `closed`: it was certainly not done, and would fare the same for every other one:
 * nobody answers there, or we are refused ourselves. `later` and `refused` are about this receiver alone.
 */
export type Delivered = Told<unknown> | { kind: 'closed'; detail: string; afterSeconds: number | null };

/** E-mail. One attempt per call; there is no way to look whether it was sent. */
export type Mail = {
  send(letter: Letter): Promise<Delivered>;
};

export type PublicComponent = { id: string; name: string; status: string };

/** The public status page, hosted. One attempt per call. */
export type StatusPage = {
  components(): Promise<Told<PublicComponent[]>>;
  setComponent(id: string, status: ComponentStatus): Promise<Told<null>>;
  /** The unresolved incident that carries this key, or a resolved one of the last days. */
  findIncident(key: string): Promise<Told<{ id: string; status: string } | null>>;
  /** Subscribers are told. */
  createIncident(incident: PublicUpdate & { key: string; name: string }): Promise<Told<{ id: string }>>;
  updateIncident(id: string, update: PublicUpdate): Promise<Told<null>>;
};

export type PublicUpdate = {
  status: PublicStatus;
  body: string;
  /** By the component's id. */
  components: Readonly<Record<string, ComponentStatus>>;
};

/** A mark on the graphs. Without `until` a point in time, with it a region. */
export type Annotation = { from: Timestamp; until: Timestamp | null; tags: readonly string[]; text: string };

/** Marks on graphs. One attempt per call. */
export type Annotations = {
  /** The newest one that has this tag. */
  find(tag: string): Promise<Told<{ id: string } | null>>;
  create(annotation: Annotation): Promise<Told<{ id: string }>>;
  /** Refused with `not_found` when somebody has deleted it. */
  update(id: string, annotation: Annotation): Promise<Told<null>>;
};

export type Ticket = {
  /** By which it is found again. */
  key: string;
  title: string;
  /** Markdown, made by us out of escaped pieces. */
  body: string;
  labels: readonly string[];
};

/** Where work that can wait is written down. One attempt per call. */
export type Tickets = {
  /** It is a stand-in of the sandbox. */
  standIn?: boolean;
  /** Null: none with this key. Outlets that cannot be read honour the key instead, and say null. */
  find(key: string): Promise<Told<{ id: string; url: string | null } | null>>;
  open(ticket: Ticket): Promise<Told<{ id: string; url: string | null }>>;
  /** Adds a comment once per `key`. */
  comment(id: string, text: string, key: string): Promise<Told<null>>;
};

/** A silence of Alertmanager in force. */
export type Silence = {
  id: string;
  matchers: readonly { name: string; value: string; isRegex: boolean; isEqual: boolean }[];
  startsAt: Timestamp;
  endsAt: Timestamp;
  createdBy: string;
  comment: string;
};

export type Silences = {
  /** Those in force, at most a few seconds old. Null: no Alertmanager is connected, or it did not answer in time. */
  active(): Promise<readonly Silence[] | null>;
  /** Whether a slow burn is kept quiet while the fast one of its objective fires. Null: as above. */
  inhibitsSlowBurns(): Promise<boolean | null>;
};

/** An incident that somebody else has opened at the pager, as it stands there. */
export type ExternalIncident = {
  id: string;
  /** Where a person sees it. */
  url: string | null;
  title: string;
  status: 'triggered' | 'acknowledged' | 'resolved';
  /** Names of people. */
  acknowledgedBy: readonly string[];
  assignedTo: readonly string[];
  /** Who has acknowledged it last, and when; `by` null: no person. Null: nobody has. */
  acknowledged: { by: PagerUser | null; at: Timestamp } | null;
  /** The person who has resolved it. Null: it is not, or it was no person. */
  resolvedBy: PagerUser | null;
  createdAt: Timestamp;
};

/** What our incident is about, to find the one that pages for the same. */
export type ExternalQuery = {
  /** Group keys of its notifications, as their sender wrote them. */
  groupKeys: readonly string[];
  /** Label sets of its alerts that fire, as they came. */
  alerts: readonly (readonly (readonly [string, string])[])[];
  /** The service as its alerts call it. */
  service: string;
  environment: string;
  /** Where no key is known, only incidents opened from here on are looked through. */
  since: Timestamp;
};

/** `by`: it has the key of one of our groups, holds one of our alerts, or is the only one that names what they name. */
export type ExternalFound =
  | { incident: ExternalIncident; by: 'group_key' | 'labels' | 'names' }
  | { incident: null; because: string };

/** The pager where others page already: their incident is found, annotated and followed. One attempt per call. */
export type ExternalPager = {
  /**
   * The newest that was opened under a key of our own, whatever has become of it; where it was merged into another one,
   * that one. Null: there is none (yet).
   */
  paged(key: string): Promise<Told<ExternalIncident | null>>;
  /**
   * Among those that are open. The vendor may take a while to show what it was told. What is found by its group key may
   * be much older than our incident; once somebody has acknowledged it, it tells nobody about what joins it.
   */
  find(query: ExternalQuery): Promise<Told<ExternalFound>>;
  /** Adds a note once per `key`. Refused with `not_found` when the incident is gone. */
  annotate(id: string, text: string, key: string): Promise<Told<null>>;
  /** Where it was merged into another one, that one. Null: it is not there any more. */
  read(id: string): Promise<Told<ExternalIncident | null>>;
  /** Whether it lets us in. */
  check(): Promise<Told<null>>;
};
