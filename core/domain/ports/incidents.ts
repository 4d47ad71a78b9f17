import type { ReopenRefusal } from '../incidents/closing.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { EnvironmentName, IncidentId, ServiceName, Severity } from '../../../schemas/config/names.ts';
import type { InboxMessage, Message, UnreadableMessage } from '../../../schemas/incidents/inbox.ts';
import type {
  EarlierProblem,
  IncidentRecord,
  IncidentStatus,
  IncidentView,
  PageContradiction,
  TimelineEntry,
  STATUS_FIELDS,
} from '../../../schemas/incidents/incident.ts';
import type { SimilarIncident } from '../../../schemas/incidents/similar.ts';
import type { Handling, IncidentRole, RoleHolder } from '../../../schemas/people/response-roles.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Arrival } from '../alerts/admission.ts';
import type { Inhibitor } from '../alerts/inhibition.ts';
import type { Mute } from '../alerts/routing.ts';
import type { GroupReason, Opening, ParentUrgency } from '../incidents/incident-group.ts';
import type { Overview, Story } from '../messages/story.ts';
import type { RollbackCommand } from '../rollback/rollback-request.ts';
import type { AdmittedSignal, DayStarts, FiringEpisode, HeldAlert, Receipt, SignalView } from './alerts.ts';
import type { Page, ServiceEnvironment } from './common.ts';
import type { BegunRunbook } from './runbooks.ts';

export type Admitted = {
  /** Incidents with new messages in the inbox or a run to start. */
  wake: IncidentId[];
  opened: IncidentId[];
  /** Alerts without an incident, with their actual state, whatever the last notification said. */
  withoutIncident: { arrival: Arrival; status: 'firing' | 'resolved' }[];
  /** Ends of alerts of an incident that only other senders, `reporters`, report as firing. They have no effect. */
  ignoredEnds: { incident: IncidentId; signal: Signal; reporters: string[] }[];
  counts: Record<'opened' | 'joined' | 'recorded' | 'known', number>;
};

/** The first read of an admission: the open incident of the signals `of`, their alerts, and the newest incident number. */
export type FirstRead = {
  of: readonly Signal[];
  items: Promise<(Record<string, unknown> | undefined)[]>;
  newestNumber: Promise<number>;
};

export type InboxContent = {
  messages: InboxMessage[];
  /** The message after `messages`, if this version can't read it. It and all later messages stay in the inbox. */
  unreadable?: UnreadableMessage;
  firing: number;
  /** Alerts that are only last seen. Absent: none. */
  lastSeen?: number;
  severity: Severity;
  status: IncidentStatus;
  renotified: number;
  at: Timestamp;
  /** The part of `firing` that does not keep the incident open after a mitigation: slow-burn warnings. Absent: none. */
  warnings?: { count: number; titles: string[] };
};

/**
 * State passed to the next run in addition to the table. `unread`: sequence number of the message that caused the
 * handover. `unreadableRuns`, `failedRuns`: number of runs in a row that took over for such a message, and after a failed
 * run. `resolveBy`: person whose request to resolve was not granted yet.
 */
export type HandoverState = { unread?: number; unreadableRuns?: number; failedRuns?: number; resolveBy?: string };

/** `truncated`: the incident has more alerts. Messages are kept for 90 days; those of a newer version are left out. */
export type IncidentInputs = {
  signals: AdmittedSignal[];
  truncated: boolean;
  messages: { seq: number; at: Timestamp; message: Message }[];
};

export type Incidents = {
  /**
   * Begins the first read of an admission of signals, so that it need not wait until their routes are known. Undefined: all
   * are outside the catalogue.
   */
  firstRead(signals: readonly Signal[]): FirstRead | undefined;
  /**
   * Admits signals of one service and environment in one transaction: deduplication, signals, incident, pointer, and
   * pending start. Idempotent. Signals outside the catalogue may have different services and environments.
   *
   * @param limits.unmatchedIncidents number of services outside the catalogue that can have an incident of their own
   * @param limits.first what `firstRead` has returned for them
   * @param limits.timeScale factor by which the times are shortened in which an alert reopens its incident
   */
  admit(
    arrivals: readonly Arrival[],
    receipt: Pick<Receipt, 'at' | 'trace'>,
    limits?: { unmatchedIncidents?: number; timeScale?: number; first?: FirstRead | undefined },
  ): Promise<Admitted>;
  /**
   * Opens an incident for a person, or returns the open one. `alone`: it is never grouped with others. `id`: of the new
   * incident; the same one again is the same incident, whatever has become of it.
   */
  declare(input: {
    id?: IncidentId | undefined;
    alone?: true;
    service: ServiceName;
    environment: EnvironmentName;
    title: string;
    severity: Severity;
    by: string;
    trace: string;
  }): Promise<{ id: IncidentId; created: boolean }>;
  /** Reads strongly consistently. */
  read(id: IncidentId): Promise<IncidentRecord | undefined>;
  view(id: IncidentId): Promise<IncidentView | undefined>;
  /** Returns the incident with this number. Strongly consistent. Undefined: there is none. */
  withNumber(number: number): Promise<IncidentId | undefined>;
  list(query: {
    status?: IncidentStatus;
    service?: string;
    environment?: string;
    limit: number;
    cursor?: string;
  }): Promise<Page<IncidentView>>;
  /** @param query.maxBytes ends the page earlier, with at least one alert */
  signals(id: IncidentId, query: { limit: number; cursor?: string; maxBytes?: number }): Promise<Page<SignalView>>;
  /**
   * Returns what the workflow of an incident was given: its alerts, oldest first, and the messages of its inbox.
   *
   * @param limit maximum number of alerts; one more is not read
   * @param maxBytes maximum size of the alerts without their annotations
   */
  inputs(id: IncidentId, limit: number, maxBytes?: number): Promise<IncidentInputs>;
  timeline(id: IncidentId, query: { limit: number; cursor?: string }): Promise<Page<TimelineEntry>>;
  /** Appends a timeline entry; idempotent by `key`. */
  note(id: IncidentId, key: string, entry: TimelineEntry): Promise<void>;
  /**
   * Amends the handling and roles of an incident, with a timeline entry. The workflow does not depend on these. `amend`
   * receives the current incident; undefined: no change.
   *
   * @param key idempotency key
   */
  amend(id: IncidentId, amend: Amend, key?: string): Promise<Amended>;
  /**
   * Adds a message to the inbox; the callback is completed at the latest by the sweeper. `false`: the incident is
   * closed.
   */
  post(id: IncidentId, message: Message, change?: ChangeOfIncident, key?: string): Promise<boolean>;
  /** Returns what a run starts from. Undefined: there is no such incident. */
  begin(
    id: IncidentId,
  ): Promise<{ incident: IncidentRecord; unfinished: number[]; runbooks: BegunRunbook[] } | undefined>;
  /** Records that the run has started: from now on, a message wakes it. */
  markStarted(id: IncidentId, run: number, execution: string): Promise<void>;
  /** Registers the callback, then reads the inbox: this order ensures that no message is missed. */
  readInbox(id: IncidentId, after: number, callback: string | null): Promise<InboxContent>;
  /**
   * Resolves the incident if nothing has arrived since `consumed`.
   *
   * @param warnings number of alerts that may keep firing
   * @param health.isMeasured false: it has no health query, of which samples are due after its end
   * @param health.isProven its mitigation is verified, and health is within its limit: no end of an alert is needed
   * @param health.recoveredAt when its problem had ended, which its record does not say. Absent: it ends with the incident, or nothing has shown its end
   */
  resolve(
    id: IncidentId,
    consumed: number,
    by: string | null,
    text: string,
    warnings?: number,
    health?: { isMeasured?: boolean; isProven?: boolean; recoveredAt?: Timestamp | undefined },
  ): Promise<'resolved' | 'not_yet'>;
  /**
   * Returns when the alerts of an incident ended, since it was last opened. Undefined: its problem does not end with them if it is resolved
   * now, or they had ended before.
   *
   * @param by on whose behalf it is resolved; null: its alerts have ended
   */
  alertsEndedAt(incident: IncidentRecord, by: string | null): Promise<Timestamp | undefined>;
  /** Records that an incident waits for its health, so that its problem is not over. Does nothing if a message came after `seq`. */
  waitForHealth(id: IncidentId, seq: number, waits: NonNullable<IncidentRecord['waits_for_health']>): Promise<void>;
  /** Hands over to this run, which must be started next. */
  handOver(id: IncidentId, run: number, text: string, left?: HandoverState): Promise<void>;
  /** Records on the timeline that no version could read this message. It remains stored. */
  skipUnread(id: IncidentId, unread: UnreadableMessage): Promise<void>;
  /** Returns the incident's alerts that are not resolved, as far as reported. */
  firingEpisodes(id: IncidentId): Promise<FiringEpisode[]>;
  /** Records that these alerts were found in their monitoring system. */
  confirmEpisodes(id: IncidentId, episodes: readonly string[]): Promise<void>;
  /** Records that these alerts still fire, as if their sender had repeated them. */
  repeatEpisodes(id: IncidentId, episodes: readonly string[]): Promise<void>;
  /** Marks episodes as resolved although their sender did not report it. */
  endEpisodes(id: IncidentId, episodes: readonly string[], text: string): Promise<void>;
  /** Counts firing alerts as last seen that were not repeated since then. Returns how many. */
  ageEpisodes(id: IncidentId, before: Timestamp): Promise<number>;
  /** Reopens a resolved incident for a person, with a new run. Its workflow must be woken. */
  reopen(id: IncidentId, request: { by: string; note: string }): Promise<ReopenResult>;
  /** Ends events, such as a failed deploy, when their incident is closed. */
  endEvents(id: IncidentId): Promise<void>;
  /** Returns incidents with messages or a start that have been pending since before `before`. */
  pending(before: Timestamp): Promise<IncidentId[]>;
  /** Returns all displayed data of an incident except its timeline. Strongly consistent. */
  overview(id: IncidentId): Promise<Overview | undefined>;
  /**
   * Returns all displayed data of an incident. Strongly consistent.
   * @param after position in the timeline to start from; null: the beginning
   */
  story(id: IncidentId, after: string | null): Promise<Story | undefined>;
  /** Sets the text about muted alerts; null: none. Returns whether it changed. */
  setMuted(id: IncidentId, text: string | null): Promise<boolean>;
  /** Stores the earlier incidents that resemble an incident. */
  setSimilar(id: IncidentId, similar: readonly SimilarIncident[]): Promise<void>;
  /** Records that the status page and the SLIs of the service contradict each other. */
  setPageContradiction(id: IncidentId, contradiction: PageContradiction): Promise<void>;
  /** Sets the chat channel, by name; `chatId`: by ID; `standIn`: it is one of the sandbox's stand-in. */
  setChannel(id: IncidentId, channel: string, chatId?: string, standIn?: boolean): Promise<void>;
  /** Returns the incident of a channel, by the chat's ID. Strongly consistent. Undefined: none. */
  inChannel(chatId: string): Promise<IncidentId | undefined>;
  /**
   * Returns alerts without an incident, newest first. `firedAt`: the last times that it began to fire, newest first. `starts`: how
   * often it did without an incident and unmuted, by day. Eventually consistent.
   *
   * @param query.since only those that changed since then
   */
  alertsWithoutIncident(query: {
    limit: number;
    cursor?: string;
    muted: boolean;
    since?: Timestamp;
    service?: string;
    environment?: string;
  }): Promise<
    Page<{ signal: SignalView; mute: Mute | null; firedAt: readonly Timestamp[]; starts: readonly DayStarts[] }>
  >;
  /** Returns firing alerts that were muted on receipt. Eventually consistent. */
  muted(): Promise<{ signal: Signal; mute: Mute | null }[]>;
  /** Returns alerts that are no longer held, oldest first. Eventually consistent. */
  held(now: Timestamp): Promise<HeldAlert[]>;
  /** Drops what is held of an alert, whose state stays. Does nothing if it has changed since. */
  releaseHeld(alert: HeldAlert): Promise<void>;
  /**
   * Stores firing alerts that can inhibit others, and removes those that have ended. `key`: of an alert and its sender. `groups`:
   * those in which it inhibits.
   */
  recordInhibitors(
    alerts: readonly (Inhibitor & { key: string; groups: readonly string[]; status: 'firing' | 'resolved' })[],
    now: Timestamp,
  ): Promise<void>;
  /** Returns at least one of these alerts for each of the groups that has any. Strongly consistent. */
  inhibitors(groups: Iterable<string>, now: Timestamp): Promise<Inhibitor[]>;
  /**
   * Returns the incidents that have opened since then, newest first. Reads their own records only. `isComplete`: there
   * are no more. Eventually consistent.
   */
  recent(query: {
    since: Timestamp;
    limit: number;
    service?: string;
  }): Promise<{ items: IncidentRecord[]; isComplete: boolean }>;
  /**
   * Returns a page of incidents that match, newest first. Reads their own records only, of resolved ones a bounded number:
   * a page can have fewer than `limit` and be followed by others. Eventually consistent.
   *
   * @param query.state absent: all
   * @param query.since only those that opened since then
   */
  search(query: {
    state?: 'open' | 'resolved' | undefined;
    since?: Timestamp | undefined;
    matches(incident: IncidentRecord): boolean;
    limit: number;
    cursor?: string | undefined;
  }): Promise<Page<IncidentRecord>>;
  /** Returns unresolved incidents. Eventually consistent. */
  open(): Promise<IncidentRecord[]>;
  /** Returns what lists of unresolved incidents need, which is faster to read. Eventually consistent. */
  openSummaries(): Promise<IncidentSummary[]>;
  /** Returns the unresolved incident of a service and environment. Strongly consistent. */
  openAt(serviceEnvironment: ServiceEnvironment): Promise<IncidentRecord | undefined>;
};

/** `other_open`: a later incident of the same service and environment is open. */
export type ReopenResult =
  | { kind: 'reopened' | 'unknown' }
  | { kind: 'refused'; because: ReopenRefusal }
  | { kind: 'other_open'; id: IncidentId };

/** What lists of open incidents show of one, and what it needs. `questions`: number of questions that wait for approval. */
export type IncidentSummary = Pick<
  IncidentRecord,
  | 'id'
  | 'number'
  | 'service'
  | 'environment'
  | 'unmatched'
  | 'title'
  | 'severity'
  | keyof typeof STATUS_FIELDS
  | 'opened_at'
  | 'parent_id'
  | 'group_reason'
  | 'group_rollback'
  | 'by_hand'
  | 'firing'
  | 'pages'
  | 'paged'
  | 'handling'
  | 'roles'
  | 'mitigations'
  | 'last_requests'
  | 'automation_paused'
  | 'page_contradiction'
> & { questions: number };

/** A child incident, with the time at which it joined. */
export type ChildIncident = { incident: IncidentRecord; joinedAt: Timestamp };

/** Groups of incidents that open together, with their parent incident. */
export type IncidentGroups = {
  /** Returns the opening of an incident. Strongly consistent. Undefined: it is never grouped, or opened long ago. */
  opening(incident: Pick<IncidentRecord, 'id' | 'opened_at'>): Promise<Opening | undefined>;
  /** Returns when incidents of a service opened since then, newest first. Strongly consistent. */
  openingsOf(service: string, since: Timestamp): Promise<Pick<Opening, 'at' | 'scope'>[]>;
  /**
   * Returns the openings of all services within a time, oldest first. Strongly consistent.
   *
   * @param within both limits belong to it
   * @param isEnough called with each opening from the newest; what is older than one for which it returns true is not read
   */
  newestOpenings(
    within: { since: Timestamp; until: Timestamp },
    isEnough?: (opening: Opening) => boolean,
  ): Promise<Opening[]>;
  /**
   * Returns those that are neither resolved nor mitigated, and whose newest problem is not over. Of many, only the newest `OPENINGS_CHECKED` are checked.
   *
   * @param openings oldest first
   * @param max this many of them are enough, the newest ones
   */
  stillFailing(openings: readonly Opening[], max?: number): Promise<Opening[]>;
  /** Returns the open parent incident of many in an environment, which no dependency explains. */
  parentIn(environment: string): Promise<{ incident: IncidentRecord; lastJoinedAt: Timestamp } | undefined>;
  /**
   * Opens a parent incident, or returns the open one for the same reason.
   *
   * @param urgency absent: it is critical, and pages
   */
  openParent(
    environment: string,
    groupReason: GroupReason,
    title: string,
    trace: string,
    urgency?: ParentUrgency,
  ): Promise<IncidentId>;
  /** Adds a child to a parent; idempotent. `closed`: one of them is resolved. */
  join(parent: IncidentId, child: IncidentId): Promise<'joined' | 'closed'>;
  /** Returns all children in their current state, including resolved ones, in order of opening. */
  children(parent: IncidentId): Promise<ChildIncident[]>;
  /**
   * Detaches an open child, once, and notifies its workflow. False: it is resolved, or not a child.
   *
   * @param why.page the child must page
   */
  detach(parent: IncidentId, child: IncidentId, why: { page: boolean; text: string }): Promise<boolean>;
  /** Counts a resolved child, once. Returns the updated parent. */
  childEnded(parent: IncidentId, child: IncidentId): Promise<IncidentRecord | undefined>;
};

/** Changes of a message to the incident itself, in the same transaction. */
export type IncidentChange = {
  /** Only a person resolves the incident. */
  byHand?: true;
  severity?: Severity;
  title?: string;
  automationPaused?: boolean;
  publishedBy?: string;
  status?: IncidentStatus;
  verification?: IncidentRecord['verification'];
  verifying?: NonNullable<IncidentRecord['verifying']>;
  cleared?: NonNullable<IncidentRecord['cleared']>;
  /** The mitigated problem is over since then. Null: it is not, or another one has begun. */
  recoveredAt?: Timestamp | null;
  /** When its problem returned after a resolution. Absent: unchanged. */
  returnedAt?: Timestamp;
  newOnset?: NonNullable<IncidentRecord['new_onset']>;
  /** The problem that was open before the new one. */
  endedProblem?: EarlierProblem;
  /** The problems before the open one, if something was learned about one of them. */
  earlierProblems?: readonly EarlierProblem[];
  /** Those that are left: none of a new problem. */
  suspects?: IncidentRecord['suspects'];
  /** For a message that requests a rollback: its versions. */
  rollbackRequested?: RollbackCommand;
  /** For a message that resolves the incident: what a person wrote. */
  words?: string;
  escalated?: NonNullable<IncidentRecord['escalated']>;
  /** Whether no alert of the open problem was measured yet. */
  unmeasured?: boolean;
  /** Time of a new page. */
  pagedAgainAt?: Timestamp;
  /** The incident leaves its parent. */
  parent?: null;
  timeline?: Omit<TimelineEntry, 'at'>;
};

/** Changes of handling and roles by people; `null` removes a role. */
export type Amendment = {
  roles?: Partial<Record<IncidentRole, RoleHolder | null>>;
  handling?: Handling;
  escalated?: NonNullable<IncidentRecord['escalated']>;
  /** Absent: the timeline already has an entry. `at`: time of the action; absent: now. */
  timeline?: Omit<TimelineEntry, 'at'> & { at?: Timestamp };
};

export type Amend = (incident: IncidentRecord) => Amendment | undefined;

/** `as_it_is`: no change, or already done under this key. `resolved`: the incident is resolved. */
export type Amended = 'done' | 'as_it_is' | 'resolved' | 'unknown';

/** A change, or a function that computes it from the incident at the time of the message. */
export type ChangeOfIncident = IncidentChange | ((incident: IncidentRecord) => IncidentChange);
