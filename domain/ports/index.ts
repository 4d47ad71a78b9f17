import type { Change, ChangePatch, NewChange } from '../../schemas/changes/change.ts';
import type { Automation, AutomationInput, NewToken, TokenRecord } from '../../schemas/access/access.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { Drill, DrillId, DrillRecord, ProvedTarget } from '../../schemas/automation/drill.ts';
import type { DeployerConfig, FlagsConfig } from '../../schemas/config/deployers.ts';
import type { Wish } from '../../schemas/freeze/gate.ts';
import type { Heard } from '../../schemas/messages/inbound-events.ts';
import type { Mail, Message, MitigationOutcome, PageNeed, Unread } from '../../schemas/incidents/inbox.ts';
import type {
  DecisionState,
  DecisionView,
  Effect,
  IncidentRecord,
  IncidentStatus,
  IncidentView,
  Reason,
  TimelineEntry,
} from '../../schemas/incidents/incident.ts';
import type { PinView } from '../../schemas/changes/pin.ts';
import type { Care, IncidentRole, RoleHolder } from '../../schemas/people/response-roles.ts';
import type { Runbook } from '../../schemas/runbooks/runbook.ts';
import type { With } from '../../schemas/runbooks/parts/kinds.ts';
import type { StepEnds } from '../../schemas/runbooks/parts/runs.ts';
import type { TicketTarget } from '../../schemas/alerts/routes.ts';
import type {
  ChangeId,
  EnvironmentName,
  IncidentId,
  ServiceName,
  Severity,
  Version,
} from '../../schemas/config/names.ts';
import type { Signal } from '../../schemas/alerts/signal.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { Arrival } from '../alerts/admission.ts';
import type { RollbackAsked } from '../rollback/rollback-request.ts';
import type { Bulletins } from '../messages/alert-notices.ts';
import type { Curve } from '../correlation/evidence.ts';
import type { Count } from '../incidents/metrics.ts';
import type { Crowd, Opening } from '../incidents/incident-group.ts';
import type { TellingPause, TellingWay, ToldBefore } from '../messages/stakeholder-digest.ts';
import type {
  AuditLog,
  FreezeDecisions,
  Freezes,
  FreezeState,
  GateKeeper,
  IdentityTokens,
  Signer,
  WaitingGates,
} from '../freeze/ports.ts';
import type {
  Annotations,
  Chat,
  Directory,
  ExternalPager,
  Silences,
  StatusPage,
  Tickets,
  Whispers,
} from '../messages/channels.ts';
import type { SlackUser } from '../people/people.ts';
import type { OnCall } from '../people/on-call.ts';
import type { ChangeEvents } from '../pagerduty/change-event.ts';
import type { PagerIncidents } from '../pagerduty/ours.ts';
import type { Mute } from '../alerts/routing.ts';
import type { Projections } from '../incidents/projections.ts';
import type { AskedBy, Decision, DecisionInputs } from '../rollback/rollback.ts';
import type { PageDetails } from '../paging/page-details.ts';
import type { Story } from '../messages/story.ts';
import type { QuestionInputs } from '../runbooks/permission.ts';
import type { Json } from '../runbooks/variables.ts';
import type { SloAlerts, SloDays, SloLease, SloMetrics, SloStatuses } from '../slo/ports.ts';
import type { Deployer, Flags } from '../rollback/targets.ts';
import type { StandIns } from '../catalogue/vendors.ts';
import type { WebhookReceivers } from '../messages/webhook-receiver.ts';

/** External dependencies of the product. Built once for AWS and, with other addresses, for a single machine. */
export type Deps = {
  clock: Clock;
  /** Factor by which Firebreak's own pauses are shortened; 1 except in trials on a single machine. */
  timeScale: number;
  log: Log;
  config: ConfigSource;
  secrets: Secrets;
  standIns: StandIns;
  blobs: Blobs;
  queue: SignalQueue;
  people: PeopleQueue;
  redelivery: Redelivery;
  hearings: Hearings;
  acquaintances: Acquaintances;
  directory: Directory;
  whispers: Whispers;
  engine: Engine;
  incidents: Incidents;
  crowds: CrowdPort;
  bulletins: Bulletins;
  decisions: Decisions;
  effects: Effects;
  changes: Changes;
  pins: Pins;
  gates: Gates;
  runbooks: RunbookRuns;
  drills: Drills;
  drillRuns: DrillRuns;
  sloMetrics: SloMetrics;
  sloLease: SloLease;
  sloAlerts: SloAlerts;
  sloStatuses: SloStatuses;
  sloDays: SloDays;
  freezes: Freezes;
  freezeState: FreezeState;
  freezeDecisions: FreezeDecisions;
  audit: AuditLog;
  signer: Signer;
  identityTokens: IdentityTokens;
  waitingGates: WaitingGates;
  gateKeeper: GateKeeper;
  quarantine: Quarantine;
  counters: Counters;
  backlog: Backlog;
  queueStats: QueueStats;
  automation: AutomationSwitch;
  tokens: Tokens;
  idempotency: Idempotency;
  pager: Pager;
  fallbackPager: Pager;
  /** Pager through which other systems page. */
  externalPager: ExternalPager;
  pagerIncidents: PagerIncidents;
  onCall: OnCall;
  /** Undefined: the configuration is incomplete. */
  deployerFor: (config: DeployerConfig, place: Place) => Promise<Deployer | undefined>;
  /** Undefined: the configuration is incomplete. */
  flagsFor: (config: FlagsConfig, place: Place) => Promise<Flags | undefined>;
  http: HttpCalls;
  /** Warning about other writers of the table. Absent: none known. */
  databaseWarning?: string | undefined;
  metrics: Metrics;
  alerts: AlertStates;
  silences: Silences;
  digests: Digests;
  projections: Projections;
  chat: Chat;
  statusPage: StatusPage;
  annotations: Annotations;
  /** Undefined: the configuration is incomplete. */
  ticketsFor: (target: TicketTarget) => Promise<Tickets | undefined>;
  /** External receivers of webhooks about incidents. */
  receivers: WebhookReceivers;
  changeEvents: ChangeEvents;
};

export type Clock = { now(): Timestamp };

/** Structured log. `fields` never contain secrets or raw headers. */
export type Log = {
  /** Logs a step, for debugging. */
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** Returns a log that adds these fields to every line. */
  with(fields: Record<string, unknown>): Log;
};

export type ConfigSource = {
  /** Returns the last valid configuration. @throws if none could ever be read */
  current(): Promise<Config>;
  /**
   * Returns the errors of the newest configuration if it is not in force; otherwise its warnings, each formatted as
   * `file:line: warning: …`.
   */
  problems(): Promise<string[]>;
  /** Returns the load statistics. Null, or absent: the publisher does not count. */
  loads?(): Promise<ConfigLoads | null>;
};

/** Load statistics of the configuration. `at`: time of the last one that came into force. */
export type ConfigLoads = { at: Timestamp | null; succeeded: number; failed: number };

/** Secrets, read at run time and cached for at most a minute, so that running processes pick up rotated ones. */
export type Secrets = {
  /** @throws SecretsUnreadable if it is unknown whether the secret is set */
  get(name: string): Promise<string | undefined>;
};

/**
 * Thrown if neither the parameter store nor a copy of its secrets could be read, or the function may not read this
 * secret.
 */
export class SecretsUnreadable extends Error {
  override readonly name = 'SecretsUnreadable';
}

export type Blobs = {
  put(key: string, body: string | Uint8Array, contentType: string): Promise<void>;
  /** Returns an object; undefined: none. */
  get(key: string): Promise<Uint8Array | undefined>;
};

/** One accepted request. `id` is generated by Firebreak for each request, whatever IDs the sender provides. */
export type Receipt = {
  id: string;
  at: Timestamp;
  trace: string;
  /** All of its signals may lead to an action. */ urgent?: boolean;
};

export type SignalQueue = {
  /** Queues signals; resolves once every signal is durable, in order per service and environment. */
  sendAll(receipt: Receipt, signals: readonly Signal[]): Promise<void>;
};

/** Schedules redelivery of messages that a function could not process. */
export type Redelivery = {
  /**
   * Schedules at most one batch of ten messages. @throws if the queue rejected it: they return after its visibility
   * timeout
   */
  schedule(messages: readonly { queueArn: string; receiptHandle: string; afterSeconds: number }[]): Promise<void>;
};

/** Queue of inbound events: actions of people in Slack or PagerDuty that are not processed yet. */
export type PeopleQueue = {
  /**
   * Queues an inbound event; resolves once it is durable. Events with the same `key` are deduplicated within five
   * minutes.
   *
   * @param group events of one group are processed in order
   */
  send(heard: Heard, group: string): Promise<void>;
};

/** Results of processed inbound events, so that a redelivered event has its effects once. Retained for a week. */
export type Hearings = {
  /** Reads strongly consistently. Undefined: not processed yet. */
  read(key: string): Promise<{ outcome: unknown; told: boolean } | undefined>;
  /** Stores the result; the first one is kept. @returns whether it was stored */
  did(key: string, outcome: object): Promise<boolean>;
  /** Records that the response was delivered. */
  told(key: string): Promise<void>;
};

/** Cache of users and groups of the chat, for when it does not respond. Retained for a day. */
export type Acquaintances = {
  user(id: string): Promise<{ user: ChatUser; at: Timestamp } | undefined>;
  group(id: string): Promise<{ members: string[]; at: Timestamp } | undefined>;
  keepUser(user: ChatUser): Promise<void>;
  keepGroup(id: string, members: readonly string[]): Promise<void>;
};

/** A chat user without group memberships. */
export type ChatUser = Omit<SlackUser, 'groups'>;

/** Engine that executes the workflows. */
export type Engine = {
  /** Starts a run; idempotent. */
  start(incident: IncidentId, run: number): Promise<void>;
  /** Completes a callback. A callback that is closed or no longer exists is a success. */
  ring(callback: string): Promise<void>;
  /**
   * Returns whether an execution ended without completing: it failed, timed out, was stopped externally, or is unknown.
   */
  died(execution: string): Promise<boolean>;
};

export type Admitted = {
  /** Incidents with new messages in the inbox or a run to start. */
  wake: IncidentId[];
  opened: IncidentId[];
  /** Alerts without an incident, with their actual state, whatever the last notification said. */
  apart: { arrival: Arrival; status: 'firing' | 'resolved' }[];
  counts: Record<'opened' | 'joined' | 'recorded' | 'known', number>;
};

export type Listened = {
  mail: Mail[];
  /** The message after `mail`, if this version can't read it. It and all later messages stay in the inbox. */
  unread?: Unread;
  firing: number;
  severity: Severity;
  status: IncidentStatus;
  renotified: number;
  at: Timestamp;
  /** The part of `firing` that does not keep the incident open after a mitigation: slow-burn warnings. Absent: none. */
  warnings?: { count: number; titles: string[] };
};

/**
 * State passed to the next run in addition to the table. `unread`: sequence number of the message that caused the
 * handover. `resolveBy`: person whose request to resolve was blocked by that message.
 */
export type LeftToNext = { unread?: number; resolveBy?: string };

export type Incidents = {
  /**
   * Admits signals of one service and environment in one transaction: deduplication, signals, incident, pointer, and
   * pending start. Idempotent. Signals outside the catalogue may have different services and environments.
   *
   * @param unmatchedIncidents number of services outside the catalogue that can have an incident of their own
   */
  admit(
    arrivals: readonly Arrival[],
    receipt: Pick<Receipt, 'at' | 'trace'>,
    unmatchedIncidents?: number,
  ): Promise<Admitted>;
  /** Opens an incident for a person, or returns the open one. `alone`: it is never grouped with others. */
  declare(input: {
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
  list(query: {
    status?: IncidentStatus;
    service?: string;
    limit: number;
    cursor?: string;
  }): Promise<Page<IncidentView>>;
  signals(id: IncidentId, query: { limit: number; cursor?: string }): Promise<Page<SignalView>>;
  timeline(id: IncidentId, query: { limit: number; cursor?: string }): Promise<Page<TimelineEntry>>;
  /** Appends a timeline entry; idempotent by `key`. */
  note(id: IncidentId, key: string, entry: TimelineEntry): Promise<void>;
  /**
   * Amends the care and roles of an incident, with a timeline entry. The workflow does not depend on these. `amend`
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
  /** Records the start of the run, and returns the state of the incident. */
  begin(
    id: IncidentId,
    run: number,
    execution: string,
  ): Promise<{ incident: IncidentRecord; unfinished: number[]; runbooks: BegunRunbook[] } | undefined>;
  /** Registers the callback, then reads the inbox: this order ensures that no message is missed. */
  listen(id: IncidentId, after: number, bell: string | null): Promise<Listened>;
  /**
   * Resolves the incident if nothing has arrived since `drained`.
   *
   * @param warnings number of alerts that may keep firing
   */
  resolve(
    id: IncidentId,
    drained: number,
    by: string | null,
    text: string,
    warnings?: number,
  ): Promise<'resolved' | 'not_yet'>;
  /** Hands over to this run, which must be started next. */
  handOver(id: IncidentId, run: number, text: string, left?: LeftToNext): Promise<void>;
  /** Records on the timeline that no version could read this message. It remains stored. */
  skipUnread(id: IncidentId, unread: Unread): Promise<void>;
  /** Returns the incident's alerts that are not resolved, as far as reported. */
  firingEpisodes(id: IncidentId): Promise<FiringEpisode[]>;
  /** Records that these alerts were found in their monitoring system. */
  seeEpisodes(id: IncidentId, episodes: readonly string[]): Promise<void>;
  /** Marks episodes as resolved although their sender did not report it. */
  endEpisodes(id: IncidentId, episodes: readonly string[], text: string): Promise<void>;
  /** Ends events, such as a failed deploy, when their incident is closed. */
  endEvents(id: IncidentId): Promise<void>;
  /** Returns incidents with messages or a start that have been pending since before `before`. */
  pending(before: Timestamp): Promise<IncidentId[]>;
  /**
   * Returns all displayed data of an incident. Strongly consistent.
   * @param after position in the timeline to start from; null: the beginning
   */
  story(id: IncidentId, after: string | null): Promise<Story | undefined>;
  /** Sets the text about muted alerts; null: none. Returns whether it changed. */
  setMuted(id: IncidentId, text: string | null): Promise<boolean>;
  /** Sets the chat channel, by name; `chatId`: by ID. */
  setChannel(id: IncidentId, channel: string, chatId?: string): Promise<void>;
  /** Returns the incident of a channel, by the chat's ID. Strongly consistent. Undefined: none. */
  inChannel(chatId: string): Promise<IncidentId | undefined>;
  /** Returns alerts without an incident, newest first. Eventually consistent. */
  apart(query: {
    limit: number;
    cursor?: string;
    muted: boolean;
  }): Promise<Page<{ signal: SignalView; mute: Mute | null }>>;
  /** Returns firing alerts that were muted on receipt. Eventually consistent. */
  muted(): Promise<{ signal: Signal; by: Mute['by'] }[]>;
  /** Returns unresolved incidents. Eventually consistent. */
  open(): Promise<IncidentRecord[]>;
  /** Returns the unresolved incident of a service and environment. Strongly consistent. */
  openAt(place: Place): Promise<IncidentRecord | undefined>;
};

/** A child incident, with the time at which it joined. */
export type Part = { incident: IncidentRecord; joinedAt: Timestamp };

/** Groups of incidents that open together, with their parent incident. */
export type CrowdPort = {
  /** Returns the openings, oldest first. Strongly consistent. */
  openedSince(since: Timestamp): Promise<Opening[]>;
  /** Returns those that are neither resolved nor mitigated. Of many, only the newest are checked. */
  stillFailing(openings: readonly Opening[]): Promise<Opening[]>;
  /** Returns the open parent incident of an environment. */
  parentIn(environment: string): Promise<{ incident: IncidentRecord; lastJoinedAt: Timestamp } | undefined>;
  /** Opens a parent incident, or returns the open one. */
  openParent(environment: string, crowd: Crowd, title: string, trace: string): Promise<IncidentId>;
  /** Adds a child to a parent; idempotent. `closed`: one of them is resolved. */
  join(parent: IncidentId, child: IncidentId): Promise<'joined' | 'closed'>;
  /** Returns all children in their current state, including resolved ones, in order of opening. */
  parts(parent: IncidentId): Promise<Part[]>;
  /**
   * Detaches an open child, once, and notifies its workflow. False: it is resolved, or not a child.
   *
   * @param why.page the child must page
   */
  letGo(parent: IncidentId, child: IncidentId, why: { page: boolean; text: string }): Promise<boolean>;
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
  /** For a message that requests a rollback: its versions. */
  rollbackAsked?: RollbackAsked;
  escalated?: NonNullable<IncidentRecord['escalated']>;
  /** Time of a new page. */
  pagedAgainAt?: Timestamp;
  /** The incident leaves its parent. */
  parent?: null;
  timeline?: Omit<TimelineEntry, 'at'>;
};

/** Changes of care and roles by people; `null` removes a role. */
export type Amendment = {
  roles?: Partial<Record<IncidentRole, RoleHolder | null>>;
  care?: Care;
  escalated?: NonNullable<IncidentRecord['escalated']>;
  /** Absent: the timeline already has an entry. `at`: time of the action; absent: now. */
  timeline?: Omit<TimelineEntry, 'at'> & { at?: Timestamp };
};

export type Amend = (incident: IncidentRecord) => Amendment | undefined;

/** `as_it_is`: no change, or already done under this key. `resolved`: the incident is resolved. */
export type Amended = 'done' | 'as_it_is' | 'resolved' | 'unknown';

/** A change, or a function that computes it from the incident at the time of the message. */
export type ChangeOfIncident = IncidentChange | ((incident: IncidentRecord) => IncidentChange);

export type SignalView = Signal & { first_seen_at: Timestamp };

export type Page<T> = { items: T[]; next_cursor: string | null };

export type Decisions = {
  /** Stores a judgement with its inputs and returns it; the first one of a number is kept. */
  keep(id: IncidentId, number: number, decision: Decision, inputs: DecisionInputs): Promise<DecisionView>;
  get(id: IncidentId, number: number): Promise<DecisionView | undefined>;
  /** Returns the inputs of a judgement; for a runbook step, its `QuestionInputs`. */
  inputs(id: IncidentId, number: number): Promise<DecisionInputs | undefined>;
  /** Registers a callback for a decision, and returns its state. */
  await(id: IncidentId, number: number, bell: string): Promise<DecisionState>;
  /** Answers the decision with this digest. `needs_another`: this person has already given one of two approvals. */
  answer(id: IncidentId, digest: string, answer: 'approved' | 'rejected', by: string, note: string): Promise<Answered>;
  /** Ends an unanswered decision in this way; returns its state. */
  expire(id: IncidentId, number: number, as?: 'expired' | 'approved'): Promise<DecisionState>;
  state(id: IncidentId, number: number): Promise<DecisionState>;
  /** Marks all shadow-mode decisions of an incident as wrong; the first mark is kept. Returns their number. */
  markWrong(id: IncidentId, by: string, note: string): Promise<number>;
  /** Stores an approval request for a runbook step; the first one of a number is kept. */
  ask(id: IncidentId, number: number, question: StepQuestion): Promise<DecisionView>;
  /** Returns the result of a judgement, with its requester. Null: not yet. Undefined: no judgement with this number. */
  outcome(id: IncidentId, number: number): Promise<{ asked: AskedBy; outcome: MitigationOutcome | null } | undefined>;
};

/** An approval request for a runbook step. */
export type StepQuestion = {
  place: Place;
  /** Description of the action. */
  text: string;
  reasons: Reason[];
  /** Possible approvers. Null: anyone who may approve. */
  people: readonly string[] | null;
  /** Number of required approvals. */
  approvals: number;
  /** Approvals already given. Absent: none. */
  given?: string[];
  inputs: QuestionInputs;
};

/** A runbook run of an incident. `done`: it has ended. `acted`: it changed production. */
export type BegunRunbook = { number: number; name: string; done: boolean; acted: boolean };

/** Runbook runs of incidents: each keeps the version with which it started. */
export type RunbookRuns = {
  /** Returns the runs of an incident, in order. Strongly consistent. */
  of(id: IncidentId): Promise<BegunRunbook[]>;
  get(id: IncidentId, number: number): Promise<Followed | undefined>;
  /**
   * Stores the selection; the first one of a number is kept. Undefined: the incident already follows a runbook of this
   * name.
   */
  choose(id: IncidentId, number: number, followed: Followed, because: string): Promise<Followed | undefined>;
  /** Stores a value for later processes and runs, and returns the stored one: the first one is kept. */
  remember<T extends Json>(id: IncidentId, number: number, what: string, value: T): Promise<T>;
  /** Returns a stored value; undefined: none. */
  recall(id: IncidentId, number: number, what: string): Promise<Json | undefined>;
  /** Ends a run, with a message to the inbox; once. */
  conclude(id: IncidentId, number: number, end: RunbookEnd): Promise<void>;
  /**
   * Starts a run for a person, with a message to the inbox. A runbook has only one run at a time within an incident:
   * `running` is the number of the one in progress.
   */
  start(id: IncidentId, followed: Followed & { by: string }): Promise<StartedRun>;
  /** Reads strongly consistently. */
  run(id: IncidentId, number: number): Promise<RunbookRun | undefined>;
  /** Returns runs newest first. Eventually consistent. */
  list(query: { limit: number; cursor?: string }): Promise<Page<{ incident: IncidentId; number: number }>>;
  /** Returns all stored values of a run, by name. */
  memories(id: IncidentId, number: number): Promise<Map<string, Json>>;
};

export type StartedRun =
  | { kind: 'started'; number: number }
  | { kind: 'running'; number: number }
  | { kind: 'too_many' }
  | { kind: 'closed' };

/** A runbook with the data of the alert for which it was selected. */
export type Followed = {
  runbook: Runbook;
  labels: [string, string][];
  annotations: [string, string][];
  /** Person who started it. Absent: started by alerts. */
  by?: string | undefined;
  /** Inputs from that person. Absent: none. */
  inputs?: Record<string, string | number | boolean> | undefined;
  /** The failed run that it continues. */
  again?: RunAgain | undefined;
};

export type RunAgain = {
  /** Number of the earlier run. */
  of: number;
  /** Results of the steps that are not repeated. */
  done: StepEnds;
  /** Idempotency keys of steps that the earlier run may have executed. */
  lookFor: Record<string, string>;
};

/** A stored run. `outcome`: null while it is in progress. */
export type RunbookRun = Followed & { number: number; at: Timestamp; outcome: string | null; text: string | null };

/** Result of a run. `acted`: it changed production. */
export type RunbookEnd = { outcome: string; text: string; acted: boolean; page: PageNeed };

/** Drills: rollbacks rehearsed where they cause no harm. */
export type Drills = {
  /** Starts a drill with the lock of its target; otherwise returns the reason. */
  begin(drill: DrillRecord): Promise<{ ok: true } | { ok: false; reason: Reason }>;
  /** Reads strongly consistently. */
  get(id: DrillId): Promise<DrillRecord | undefined>;
  list(query: Partial<Place> & { limit: number; cursor?: string }): Promise<Page<Drill>>;
  /** Returns the drills in progress. Strongly consistent. */
  running(): Promise<DrillRecord[]>;
  /** Stores the state; the end of a drill releases its target. `false`: modified since it was read. */
  put(drill: DrillRecord): Promise<boolean>;
  /** Records the call right before the target is called, and verifies the lock. `lost`: another process holds it. */
  claim(drill: DrillRecord): Promise<DrillRecord | 'lost' | 'changed'>;
  /** Returns when the rollback of each target was last proved. */
  proved(): Promise<ProvedTarget[]>;
};

/** Starts the run of a drill's workflow; idempotent. */
export type DrillRuns = { start(id: DrillId, run: number): Promise<void> };

/** `superseded`: another decision is waiting. `not_asked`: the person is not among the approvers. */
export type Answered = 'taken' | 'superseded' | 'needs_another' | 'not_asked';

export type Effects = {
  get(id: IncidentId, key: string): Promise<Effect | undefined>;
  /** Records the intent of an effect; returns the existing record if there is one. */
  intend(id: IncidentId, effect: Omit<Effect, 'state' | 'at'>, also?: { page?: number }): Promise<Effect>;
  /**
   * Records the intent to change a service, counts the action, and locks the target; the incident becomes `mitigating`.
   * Otherwise returns the reason.
   */
  intendAct(
    id: IncidentId,
    effect: Omit<Effect, 'state' | 'at'>,
    act: Act,
  ): Promise<{ ok: true; effect: Effect } | { ok: false; reason: Reason }>;
  /** Records a completed, repeatable effect in one step, so that no intent without a result remains. */
  record(id: IncidentId, effect: Omit<Effect, 'at'>): Promise<void>;
  conclude(id: IncidentId, key: string, state: Effect['state'], detail: string, actor?: string): Promise<void>;
  /** Ends a rollback: result, lock, incident status, its change record, and the message to the inbox. */
  concludeRollback(id: IncidentId, end: RollbackEnd): Promise<void>;
  rollbacksSince(place: Place, since: Timestamp): Promise<number>;
  /**
   * Returns the number of automatic actions of all services. `senders`: only those for alerts of the sender with the
   * fewest; 0 if empty.
   */
  automaticSince(since: Timestamp, senders?: readonly string[]): Promise<number>;
};

/** An intended action. */
export type Act = {
  place: Place;
  /** Resource to lock. */
  resource: string;
  /** Without approval: it counts towards the hourly limit of all services. */
  automatic: boolean;
  /** Senders of the alerts. Absent: not counted by sender. */
  senders?: readonly string[];
  /** Firebreak proposed it, with or without approval: if it was wrong, it counts against the service's automation. */
  ours: boolean;
};

export type Place = { service: ServiceName; environment: EnvironmentName };

export type RollbackEnd = {
  key: string;
  number: number;
  place: Place;
  outcome: MitigationOutcome;
  page: PageNeed;
  /** Judge the incident again. */
  again?: true;
  text: string;
  /** Set if the version actually changed. */
  moved: { from: Version; to: Version; suspect: ChangeId } | null;
};

export type Changes = {
  /** Records a change. A repeat (same service, environment, version, kind, and started_at) returns the first one. */
  record(change: NewChange, extra?: { made_for?: string }): Promise<{ change: Change; created: boolean }>;
  /** Updates a change. `ended`: it has ended and cannot restart. Undefined: no such change. */
  patch(id: ChangeId, patch: ChangePatch): Promise<Change | 'ended' | undefined>;
  get(id: ChangeId): Promise<Change | undefined>;
  list(query: Partial<Place> & { limit: number; cursor?: string }): Promise<Page<Change>>;
  /** Returns the newest changes of a service and environment, at most `limit`, oldest first. Strongly consistent. */
  recent(place: Place, limit: number): Promise<Change[]>;
  /** Returns the change behind the running version of each service and environment. */
  live(): Promise<Change[]>;
  /** Returns changes in progress, as far as reported. `overdueAt`: when they were reported as overdue. */
  rolling(): Promise<{ change: Change; overdueAt: Timestamp | null }[]>;
  /** Returns failed changes without a reported recovery. `failedAt`: the first reported end. */
  failures(): Promise<{ change: Change; failedAt: Timestamp }[]>;
  /** Records that the recovery was reported. */
  endFailure(id: ChangeId): Promise<void>;
  /** Records that the change was reported as overdue. */
  setOverdue(id: ChangeId, at: Timestamp): Promise<void>;
  /** Stops waiting for the end of a change. */
  forgetRolling(id: ChangeId): Promise<void>;
  /** Returns when it was reported as overdue. Null also after it has ended. */
  overdueAt(id: ChangeId): Promise<Timestamp | null>;
};

/** Pins of known bad versions. */
export type Pins = {
  /** Returns pins newest first. @param query.all include lifted and superseded pins */
  list(query: { limit: number; cursor?: string; all: boolean }): Promise<Page<PinView>>;
  /** Returns the pins in force. Strongly consistent. */
  of(place: Place): Promise<PinView[]>;
  get(id: string): Promise<PinView | undefined>;
  /** Lifts a pin; idempotent. Undefined: no pin with this ID. */
  lift(id: string, by: string): Promise<PinView | undefined>;
};

/** Rollback requests for targets that poll for them; only the newest one of each service and environment is kept. */
export type Gates = {
  /** Stores a request; it replaces the previous one. */
  ask(wish: Wish): Promise<void>;
  /** Reads strongly consistently. */
  get(place: Place): Promise<Wish | undefined>;
  /** Records that the target asked about another roll-out than the requested one. */
  mistaken(place: Place, key: string, checksum: string): Promise<void>;
  /** Ends the request of this action if it is still the newest. */
  clear(place: Place, key: string): Promise<void>;
};

export type Quarantined = {
  id: string;
  source: string;
  status: number;
  detail: string;
  content_type: string;
  bytes: number;
  count: number;
  first_seen_at: Timestamp;
  last_seen_at: Timestamp;
  replayed_at: Timestamp | null;
};

export type Quarantine = {
  /**
   * Stores a complete body; repeats of the same bytes are counted.
   *
   * @param input.sender sender whose quota applies. Null: Firebreak's own data, which is always stored
   * @throws QuarantineFull
   */
  keep(input: {
    source: string;
    sender: string | null;
    receiver: string;
    body: Uint8Array;
    contentType: string;
    status: number;
    detail: string;
  }): Promise<string>;
  get(id: string): Promise<(Quarantined & { receiver: string; body: Uint8Array }) | undefined>;
  list(query: { limit: number; cursor?: string }): Promise<Page<Quarantined>>;
  replayed(id: string, by: string): Promise<void>;
  count(): Promise<number>;
};

/** Counters shared by all instances. */
export type Counters = {
  /**
   * Increments counters. Never fails, and waits only briefly for the table, because a count is not worth a delay. Some
   * counts may be lost or duplicated if the table does not respond or a process dies.
   */
  add(counts: readonly Count[]): Promise<void>;
  read(): Promise<Count[]>;
};

/** `oldest`: since when the oldest has been waiting; null: none. */
export type Waiting = { count: number; oldest: Timestamp | null };

/** Work in progress. */
export type Backlog = {
  /** Returns incidents with messages that their workflow has not read. */
  pending(): Promise<Waiting>;
  /** Returns effects without a result that started in the last 24 hours, by kind. */
  effects(): Promise<{ kind: string; waiting: Waiting }[]>;
};

/** Approximate number of messages in each queue. */
export type QueueStats = {
  read(): Promise<{ queue: string; visible: number; inFlight: number; delayed: number }[]>;
};

export type AutomationSwitch = {
  /** Reads strongly consistently. */
  read(): Promise<Automation>;
  /** Changes modes. A demoted service is promoted if its mode is set to `act`, or removed, which caps nothing. */
  write(automation: AutomationInput, by: string): Promise<Automation>;
  /**
   * Marks the automatic action with this key, or all of the incident, as wrong. Each counts once; a service with too
   * many is demoted.
   */
  wrong(id: IncidentId, key: string | null, why: string): Promise<{ acts: number; demoted: ServiceName[] }>;
};

export type Tokens = {
  find(hash: string): Promise<TokenRecord | undefined>;
  /** @throws NameTaken */
  create(token: NewToken, by: string): Promise<{ record: TokenRecord; secret: string }>;
  list(query: { limit: number; cursor?: string }): Promise<Page<TokenRecord>>;
  /** Revokes a token, which stays listed. False: no such token, or already revoked. */
  revoke(id: string, by: string): Promise<boolean>;
  /** Returns the records that Firebreak did not write. */
  check(): Promise<TokenAudit>;
};

export type TokenAudit = {
  valid: number;
  /** Valid while FIREBREAK_ADMIN_TOKEN_PREVIOUS is set, until they are used. */
  previous: { id: string; name: string }[];
  /** Listed records that do not authenticate. */
  refused: { id: string; name: string }[];
  /** Tokens that were used although Firebreak did not write their record; `at`: last use. */
  used: { name: string; at: string }[];
};

/** Responses to creating requests by the caller's idempotency key, retained for a day. */
export type Idempotency = {
  /** `mine`: proceed and report the result. `running`: another request with this key is in progress. */
  begin(
    key: IdempotencyKey,
    bodyHash: string,
  ): Promise<
    { kind: 'mine' } | { kind: 'running' } | { kind: 'other_body' } | { kind: 'done'; status: number; body: string }
  >;
  end(key: IdempotencyKey, answer: { status: number; body: string } | 'forget'): Promise<void>;
};
export type IdempotencyKey = { principal: string; route: string; key: string };

/** Result of one external call. `unclear`: it may have been done. */
export type Attempt =
  | { kind: 'taken'; detail: string }
  | { kind: 'later'; detail: string; afterSeconds: number | null }
  | { kind: 'refused'; detail: string }
  | { kind: 'off'; detail: string };

export type PageRequest = {
  key: string;
  action: 'trigger' | 'acknowledge' | 'resolve';
  summary: string;
  service: string;
  environment: string;
  severity: Severity;
  incident: string;
  at: Timestamp;
  links: { href: string; text: string }[];
  /** Images, https only. */
  images?: { src: string; alt: string }[];
  /** Current details of the incident. Absent: could not be read. */
  details?: PageDetails;
};

export type Pager = {
  /** Sends a page in one attempt. A repeat with the same key does not page again. */
  send(request: PageRequest): Promise<Attempt>;
  /** Whether it is a stand-in, which notifies nobody. Absent: no. */
  standIn?(): Promise<boolean>;
};

/** Notifications sent to stakeholders about incidents, by address: `mailto:…`, `slack:…`. */
export type Digests = {
  /** Reads strongly consistently. */
  read(of: DigestOf): Promise<Readonly<Record<string, Remembered>>>;
  /**
   * Replaces the stored value, so that only one of several concurrent senders sends.
   *
   * @param before value as last read or stored; undefined: none
   * @returns the stored value; undefined: modified concurrently
   */
  remember(
    of: DigestOf,
    receiver: string,
    told: ToldBefore,
    before: Remembered | undefined,
  ): Promise<Remembered | undefined>;
  /** Returns the paused channels. */
  pauses(): Promise<Partial<Record<TellingWay, TellingPause>>>;
  /** @param pause null: the channel works again */
  setPause(way: TellingWay, pause: TellingPause | null): Promise<void>;
};

/** Subject of notifications: an incident, or the weekly report of shadow mode. */
export type DigestOf = IncidentId | 'shadow-report';

/** `rev`: number of modifications. */
export type Remembered = ToldBefore & { rev: number };

/** HTTP calls of runbooks. One attempt per call. */
export type HttpCalls = {
  /** @param key idempotency key of the action; sent as `Idempotency-Key` */
  call(request: With<'http'>, key: string): Promise<HttpAnswer>;
};

/** `answered`: with any status. `later`: no response; it may have been done. `refused`: no request was sent. */
export type HttpAnswer =
  | { kind: 'answered'; status: number; body: unknown; afterSeconds: number | null }
  | { kind: 'later'; detail: string }
  | { kind: 'refused'; detail: string };

export type Metrics = {
  /** Returns the current value. `null`: no Prometheus is connected. */
  value(
    promql: string,
  ): Promise<{ kind: 'value'; value: number } | { kind: 'no_data' } | { kind: 'unreadable'; detail: string } | null>;
  /**
   * Returns the first sample above `max` in the run of bad samples that reaches `until`, at most `lookBackSeconds`
   * back.
   */
  firstAbove(promql: string, max: number, until: Timestamp, lookBackSeconds: number): Promise<Timestamp | null>;
  /** Returns finite samples every 30 seconds, combined over several series. Null: no Prometheus, or no response. */
  range(promql: string, from: Timestamp, until: Timestamp, combine: 'max' | 'sum'): Promise<Curve | null>;
  /** Returns the current value for each value of the label; the worst one of several series. Null as above. */
  byLabel(promql: string, label: string): Promise<{ label: string; value: number }[] | null>;
  /** Returns `for` and evaluation interval of an alerting rule; `null` if it cannot be found. */
  rule(alertname: string): Promise<{ forSeconds: number; intervalSeconds: number } | null>;
};

/**
 * An episode of an alert. `seen`: it was found in its monitoring system. `generatorUrl`: its rule, as reported by the
 * sender.
 */
export type FiringEpisode = Pick<Signal, 'episode' | 'source' | 'fingerprint' | 'labels' | 'severity' | 'title'> & {
  groupKey: string | null;
  generatorUrl: string | null;
  seen: boolean;
};

/**
 * State of an alert in its monitoring system. `listed`: present. `absent`: not present, which is inconclusive unless it
 * was found there before. `over`: its rule reports that it no longer fires.
 */
export type AlertState = 'listed' | 'absent' | 'over' | 'unknown';

export type AlertStates = {
  /** Returns whether a connected system lists alerts exactly as it sends them, so that they can be identified. */
  areListed(): Promise<boolean>;
  /** Returns the state of each alert. `null`: no system is connected, or none responds. */
  of(alerts: readonly Pick<FiringEpisode, 'labels' | 'generatorUrl'>[]): Promise<AlertState[] | null>;
};
