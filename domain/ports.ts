import type { Change, ChangePatch, NewChange } from '../schemas/change.ts';
import type { Automation, AutomationInput, NewToken, TokenRecord } from '../schemas/access.ts';
import type { Config } from '../schemas/config.ts';
import type { Drill, DrillId, DrillRecord, ProvedTarget } from '../schemas/drill.ts';
import type { DeployerConfig, FlagsConfig } from '../schemas/deployers.ts';
import type { Wish } from '../schemas/gate.ts';
import type { Heard } from '../schemas/heard.ts';
import type { Mail, Message, MitigationOutcome, PageNeed, Unread } from '../schemas/inbox.ts';
import type {
  DecisionState,
  DecisionView,
  Effect,
  IncidentRecord,
  IncidentStatus,
  IncidentView,
  Reason,
  TimelineEntry,
} from '../schemas/incident.ts';
import type { PinView } from '../schemas/pin.ts';
import type { Care, IncidentRole, RoleHolder } from '../schemas/response-roles.ts';
import type { Runbook } from '../schemas/runbook.ts';
import type { With } from '../schemas/runbook/kinds.ts';
import type { StepEnds } from '../schemas/runbook/runs.ts';
import type { TicketTarget } from '../schemas/routes.ts';
import type { ChangeId, EnvironmentName, IncidentId, ServiceName, Severity, Version } from '../schemas/names.ts';
import type { Signal } from '../schemas/signal.ts';
import type { Timestamp } from '../schemas/time.ts';
import type { Arrival } from './admission.ts';
import type { RollbackAsked } from './asked.ts';
import type { Bulletins } from './bulletins.ts';
import type { Curve } from './correlation/evidence.ts';
import type { Count } from './counters.ts';
import type { Crowd, Opening } from './crowd.ts';
import type { TellingPause, TellingWay, ToldBefore } from './digest.ts';
import type {
  AuditLog,
  FreezeDecisions,
  Freezes,
  FreezeState,
  GateKeeper,
  IdentityTokens,
  Signer,
  WaitingGates,
} from './freeze/ports.ts';
import type {
  Annotations,
  Chat,
  Directory,
  ExternalPager,
  Silences,
  StatusPage,
  Tickets,
  Whispers,
} from './outlets.ts';
import type { SlackUser } from './people.ts';
import type { OnCall } from './on-call.ts';
import type { ChangeEvents } from './pagerduty/change-event.ts';
import type { PagerIncidents } from './pagerduty/ours.ts';
import type { Mute } from './routing.ts';
import type { Projections } from './projections.ts';
import type { AskedBy, Decision, DecisionInputs } from './rollback.ts';
import type { PageDetails } from './page-details.ts';
import type { Story } from './story.ts';
import type { QuestionInputs } from './runbooks/permission.ts';
import type { Json } from './runbooks/variables.ts';
import type { SloAlerts, SloDays, SloLease, SloMetrics, SloStatuses } from './slo/ports.ts';
import type { Deployer, Flags } from './targets.ts';
import type { StandIns } from './vendors.ts';
import type { WebhookReceivers } from './webhook-receiver.ts';

/** All that the product needs from outside. One is assembled for AWS and, with other addresses, for one machine. */
export type Deps = {
  clock: Clock;
  /** How much faster our own pauses go; 1 but for trials on one machine. */
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
  /** Where others page by themselves. */
  externalPager: ExternalPager;
  pagerIncidents: PagerIncidents;
  onCall: OnCall;
  /** Undefined: it is not configured far enough to be called. */
  deployerFor: (config: DeployerConfig, place: Place) => Promise<Deployer | undefined>;
  /** Undefined: it is not configured far enough to be called. */
  flagsFor: (config: FlagsConfig, place: Place) => Promise<Flags | undefined>;
  http: HttpCalls;
  /** Who else can write the table. Absent: nobody that this process knows of. */
  databaseWarning?: string | undefined;
  metrics: Metrics;
  alerts: AlertStates;
  silences: Silences;
  digests: Digests;
  projections: Projections;
  chat: Chat;
  statusPage: StatusPage;
  annotations: Annotations;
  /** Undefined: it is not configured far enough to be called. */
  ticketsFor: (target: TicketTarget) => Promise<Tickets | undefined>;
  /** Whoever else is told of incidents. */
  receivers: WebhookReceivers;
  changeEvents: ChangeEvents;
};

export type Clock = { now(): Timestamp };

/** One structured line. `fields` never hold secrets or raw headers. */
export type Log = {
  /** Every step, for whoever looks for a fault. */
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** The same log with more fields on every line. */
  with(fields: Record<string, unknown>): Log;
};

export type ConfigSource = {
  /** The last good set. @throws when none could ever be read */
  current(): Promise<Config>;
  /**
   * What is wrong with the newest set, if it is not the one in force; else what in it is hardly meant, each marked:
   * `file:line: warning: …`.
   */
  problems(): Promise<string[]>;
  /** How often one was loaded, and when the one in force was. Null, or absent: whoever publishes it counts nothing. */
  loads?(): Promise<ConfigLoads | null>;
};

/** `at`: of the last one that came into force. */
export type ConfigLoads = { at: Timestamp | null; succeeded: number; failed: number };

/** Read at run time, kept for at most a minute, so that a rotated one reaches what already runs. */
export type Secrets = {
  /** @throws SecretsUnreadable when it is not known whether it is set */
  get(name: string): Promise<string | undefined>;
};

/** Neither the parameter store nor a copy of its secrets could be read, or this one is not for this function. */
export class SecretsUnreadable extends Error {
  override readonly name = 'SecretsUnreadable';
}

export type Blobs = {
  put(key: string, body: string | Uint8Array, contentType: string): Promise<void>;
  /** Undefined when there is none. */
  get(key: string): Promise<Uint8Array | undefined>;
};

/** One accepted request. `id` is ours and new for each, whatever ids the sender gives. */
export type Receipt = {
  id: string;
  at: Timestamp;
  trace: string;
  /** All of it may lead to an act. */ urgent?: boolean;
};

export type SignalQueue = {
  /** Returns once every signal is durable, in order per service and environment. */
  sendAll(receipt: Receipt, signals: readonly Signal[]): Promise<void>;
};

/** What people did elsewhere, in Slack or PagerDuty, until it has its consequences. */
/** Decides when messages that a function could not process are delivered again. */
export type Redelivery = {
  /** At most one batch, of ten. @throws when the queue did not take it: they come after its visibility timeout */
  schedule(messages: readonly { queueArn: string; receiptHandle: string; afterSeconds: number }[]): Promise<void>;
};

export type PeopleQueue = {
  /**
   * Returns once it is durable. What has the same `key` is taken once within five minutes.
   *
   * @param group those of one are heard in order
   */
  send(heard: Heard, group: string): Promise<void>;
};

/** What came of a message of people, so that one which is delivered again has its consequences once. Kept for a week. */
export type Hearings = {
  /** Strongly consistent. Undefined: nothing yet. */
  read(key: string): Promise<{ outcome: unknown; told: boolean } | undefined>;
  /** The first one stays. @returns whether this is it */
  did(key: string, outcome: object): Promise<boolean>;
  /** Whoever was to hear of it has. */
  told(key: string): Promise<void>;
};

/** What is remembered of people and groups of the chat, for when it does not answer. Kept for a day. */
export type Acquaintances = {
  user(id: string): Promise<{ user: ChatUser; at: Timestamp } | undefined>;
  group(id: string): Promise<{ members: string[]; at: Timestamp } | undefined>;
  keepUser(user: ChatUser): Promise<void>;
  keepGroup(id: string, members: readonly string[]): Promise<void>;
};

/** Somebody as the chat knows them, without the groups that they are in. */
export type ChatUser = Omit<SlackUser, 'groups'>;

/** The engine that carries the workflows. */
export type Engine = {
  /** Starts a run; starting it again is success. */
  start(incident: IncidentId, run: number): Promise<void>;
  /** Wakes whoever waits on this callback. One that is closed or gone is success: nobody waits. */
  ring(callback: string): Promise<void>;
  /** It has ended without having come to its end: it failed, timed out, was stopped from outside, or is not known. */
  died(execution: string): Promise<boolean>;
};

export type Admitted = {
  /** Incidents that now have mail or a run to start. */
  wake: IncidentId[];
  opened: IncidentId[];
  /** Those that belong to no incident, with what they are now, whatever their sender said of it last. */
  apart: { arrival: Arrival; status: 'firing' | 'resolved' }[];
  counts: Record<'opened' | 'joined' | 'recorded' | 'known', number>;
};

export type Listened = {
  mail: Mail[];
  /** The message after `mail`, if this version can't read it. It stays in the inbox, and so does all that follows. */
  unread?: Unread;
  firing: number;
  severity: Severity;
  status: IncidentStatus;
  renotified: number;
  at: Timestamp;
  /** Of `firing`, those that hold nothing open once something was done: warnings of a slow burn. Absent: none. */
  warnings?: { count: number; titles: string[] };
};

/**
 * What a run leaves to the next one besides the table. `unread`: sequence of the message for which it hands over.
 * `resolveBy`: who has asked to close the incident, which could not be done before that message was read.
 */
export type LeftToNext = { unread?: number; resolveBy?: string };

export type Incidents = {
  /**
   * Takes signals of one service and environment in, in one transaction: de-duplication, signals, incident, pointer and
   * pending start. Safe to repeat. Those outside the catalogue may be of any.
   *
   * @param unmatchedIncidents services outside the catalogue that can have an incident each
   */
  admit(
    arrivals: readonly Arrival[],
    receipt: Pick<Receipt, 'at' | 'trace'>,
    unmatchedIncidents?: number,
  ): Promise<Admitted>;
  /** Opens an incident by hand, or gives the one that is open. `alone`: it is none of several that fail at once. */
  declare(input: {
    alone?: true;
    service: ServiceName;
    environment: EnvironmentName;
    title: string;
    severity: Severity;
    by: string;
    trace: string;
  }): Promise<{ id: IncidentId; created: boolean }>;
  /** Strongly consistent. */
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
  /** Appends an entry; the same `key` again writes nothing. */
  note(id: IncidentId, key: string, entry: TimelineEntry): Promise<void>;
  /**
   * Changes what people have said of it and who does what, with its entry on the timeline: nothing that the workflow
   * acts upon. `amend` sees the incident as it is then; undefined: there is nothing to change.
   *
   * @param key under which it is done once
   */
  amend(id: IncidentId, amend: Amend, key?: string): Promise<Amended>;
  /** Puts a message into the inbox, and rings later at the latest by the sweeper. `false`: the incident is closed. */
  post(id: IncidentId, message: Message, change?: ChangeOfIncident, key?: string): Promise<boolean>;
  /** Marks the run as begun, and hands out where the incident stands. */
  begin(
    id: IncidentId,
    run: number,
    execution: string,
  ): Promise<{ incident: IncidentRecord; unfinished: number[]; runbooks: BegunRunbook[] } | undefined>;
  /** Hangs the bell and reads the inbox after it, in this order: no wake-up is lost. */
  listen(id: IncidentId, after: number, bell: string | null): Promise<Listened>;
  /**
   * Closes it if nothing has arrived since `drained`.
   *
   * @param warnings how many alerts may go on firing
   */
  resolve(
    id: IncidentId,
    drained: number,
    by: string | null,
    text: string,
    warnings?: number,
  ): Promise<'resolved' | 'not_yet'>;
  /** Makes this run the one in charge, to be started. */
  handOver(id: IncidentId, run: number, text: string, left?: LeftToNext): Promise<void>;
  /** Notes on the timeline that no version could read this message. It stays stored. */
  skipUnread(id: IncidentId, unread: Unread): Promise<void>;
  /** Alerts of the incident that have not resolved, as far as we were told. */
  firingEpisodes(id: IncidentId): Promise<FiringEpisode[]>;
  /** These have been found where they live. */
  seeEpisodes(id: IncidentId, episodes: readonly string[]): Promise<void>;
  /** Takes episodes as resolved although their sender never said so. */
  endEpisodes(id: IncidentId, episodes: readonly string[], text: string): Promise<void>;
  /** Ends what has happened and does not go on, as a failed deploy, with the incident that has been closed. */
  endEvents(id: IncidentId): Promise<void>;
  /** Incidents with mail or a start that has been waiting since before `before`. */
  pending(before: Timestamp): Promise<IncidentId[]>;
  /**
   * All that is shown of an incident, strongly consistent.
   * @param after place in the timeline from which on it is wanted; null: from the beginning
   */
  story(id: IncidentId, after: string | null): Promise<Story | undefined>;
  /** What is said of alerts of it that are kept quiet; null: none is. True when that is news. */
  setMuted(id: IncidentId, text: string | null): Promise<boolean>;
  /** The channel that it has got in the chat, as people call it; `chatId`: as the chat does. */
  setChannel(id: IncidentId, channel: string, chatId?: string): Promise<void>;
  /** Whose channel that is, by the chat's id. Strongly consistent. Undefined: no incident's. */
  inChannel(chatId: string): Promise<IncidentId | undefined>;
  /** Alerts without an incident, newest first, as far as the index knows. */
  apart(query: {
    limit: number;
    cursor?: string;
    muted: boolean;
  }): Promise<Page<{ signal: SignalView; mute: Mute | null }>>;
  /** Alerts that fire and were kept quiet when they were heard, as far as the index knows. */
  muted(): Promise<{ signal: Signal; by: Mute['by'] }[]>;
  /** Incidents that are not resolved, as far as the index knows. */
  open(): Promise<IncidentRecord[]>;
  /** The one of a place that is not resolved. Strongly consistent. */
  openAt(place: Place): Promise<IncidentRecord | undefined>;
};

/** An incident that is a part of another one, since when. */
export type Part = { incident: IncidentRecord; joinedAt: Timestamp };

/** Incidents that open together, and the incident that they are a part of. */
export type CrowdPort = {
  /** Strongly consistent, oldest first. */
  openedSince(since: Timestamp): Promise<Opening[]>;
  /** Those of them that still fail: neither resolved nor mitigated. Of many, the newest are looked at. */
  stillFailing(openings: readonly Opening[]): Promise<Opening[]>;
  /** The open incident of an environment that is made of others. */
  parentIn(environment: string): Promise<{ incident: IncidentRecord; lastJoinedAt: Timestamp } | undefined>;
  /** Opens one, or gives the one that is open. */
  openParent(environment: string, crowd: Crowd, title: string, trace: string): Promise<IncidentId>;
  /** Once, however often it is said. `closed`: one of both is over. */
  join(parent: IncidentId, child: IncidentId): Promise<'joined' | 'closed'>;
  /** All that are parts of it, as they are now, in the order in which they opened: also those that are over. */
  parts(parent: IncidentId): Promise<Part[]>;
  /**
   * An open part goes on by itself, and hears so, once: it is none any more. False: it is over, or no part of it.
   *
   * @param why.page somebody has to be woken for it
   */
  letGo(parent: IncidentId, child: IncidentId, why: { page: boolean; text: string }): Promise<boolean>;
  /** Counts a part that is over, once. Gives the parent as it is then. */
  childEnded(parent: IncidentId, child: IncidentId): Promise<IncidentRecord | undefined>;
};

/** What a message changes on the incident itself, in the same transaction. */
export type IncidentChange = {
  /** A person says when it is over. */
  byHand?: true;
  severity?: Severity;
  title?: string;
  automationPaused?: boolean;
  publishedBy?: string;
  status?: IncidentStatus;
  verification?: IncidentRecord['verification'];
  verifying?: NonNullable<IncidentRecord['verifying']>;
  cleared?: NonNullable<IncidentRecord['cleared']>;
  /** Of a message that asks for a rollback: what it would take back, and where to. */
  rollbackAsked?: RollbackAsked;
  escalated?: NonNullable<IncidentRecord['escalated']>;
  /** It pages again now. */
  pagedAgainAt?: Timestamp;
  /** It is a part of no other incident any more. */
  parent?: null;
  timeline?: Omit<TimelineEntry, 'at'>;
};

/** What people have said of an incident; `null` takes a role away. */
export type Amendment = {
  roles?: Partial<Record<IncidentRole, RoleHolder | null>>;
  care?: Care;
  escalated?: NonNullable<IncidentRecord['escalated']>;
  /** Absent: what goes with it is on the timeline already. `at`: when it was done; absent: now. */
  timeline?: Omit<TimelineEntry, 'at'> & { at?: Timestamp };
};

export type Amend = (incident: IncidentRecord) => Amendment | undefined;

/** `as_it_is`: it was so already, or was done under this key before. `resolved`: it is over. */
export type Amended = 'done' | 'as_it_is' | 'resolved' | 'unknown';

/** A change, or how it follows from what the incident is when the message is left. */
export type ChangeOfIncident = IncidentChange | ((incident: IncidentRecord) => IncidentChange);

export type SignalView = Signal & { first_seen_at: Timestamp };

export type Page<T> = { items: T[]; next_cursor: string | null };

export type Decisions = {
  /** Stores a judgement with its inputs; the number's first one stays, and is given back. */
  keep(id: IncidentId, number: number, decision: Decision, inputs: DecisionInputs): Promise<DecisionView>;
  get(id: IncidentId, number: number): Promise<DecisionView | undefined>;
  /** What it was made of. Of a question about a step: what that was made of (`QuestionInputs`). */
  inputs(id: IncidentId, number: number): Promise<DecisionInputs | undefined>;
  /** Hangs a bell on a question, and tells where the question stands. */
  await(id: IncidentId, number: number, bell: string): Promise<DecisionState>;
  /** Answers the decision with this digest. `needs_another`: of two, this person has said yes already. */
  answer(id: IncidentId, digest: string, answer: 'approved' | 'rejected', by: string, note: string): Promise<Answered>;
  /** Ends a question that nobody has answered, in this way; tells where it stands now. */
  expire(id: IncidentId, number: number, as?: 'expired' | 'approved'): Promise<DecisionState>;
  state(id: IncidentId, number: number): Promise<DecisionState>;
  /** Marks all decisions of an incident in shadow mode as wrong; the first mark stays. Resolves to their number. */
  markWrong(id: IncidentId, by: string, note: string): Promise<number>;
  /** Stores a question about a step of a runbook; the number's first one stays. */
  ask(id: IncidentId, number: number, question: StepQuestion): Promise<DecisionView>;
  /** How what was judged has ended, and who had asked. Null: not yet. Undefined: nothing was judged under this number. */
  outcome(id: IncidentId, number: number): Promise<{ asked: AskedBy; outcome: MitigationOutcome | null } | undefined>;
};

/** Whether a person is for a step of a runbook. */
export type StepQuestion = {
  place: Place;
  /** What is to be done, for people. */
  text: string;
  reasons: Reason[];
  /** Who is asked. Null: whoever may approve. */
  people: readonly string[] | null;
  /** How many of them have to be for it. */
  approvals: number;
  /** Who is for it already. Absent: nobody. */
  given?: string[];
  inputs: QuestionInputs;
};

/** A runbook that answers to an incident. `done`: it has come to its end. `acted`: it has changed production. */
export type BegunRunbook = { number: number; name: string; done: boolean; acted: boolean };

/** Runbooks that incidents follow: each keeps the version with which it has begun. */
export type RunbookRuns = {
  /** Those of an incident, in order. Strongly consistent. */
  of(id: IncidentId): Promise<BegunRunbook[]>;
  get(id: IncidentId, number: number): Promise<Followed | undefined>;
  /** Keeps the choice; the number's first one stays. Undefined: this incident follows a runbook of this name already. */
  choose(id: IncidentId, number: number, followed: Followed, because: string): Promise<Followed | undefined>;
  /** Keeps something for whoever goes on after this process or this run, and gives what is kept: the first one stays. */
  remember<T extends Json>(id: IncidentId, number: number, what: string, value: T): Promise<T>;
  /** What was remembered; undefined: nothing. */
  recall(id: IncidentId, number: number, what: string): Promise<Json | undefined>;
  /** Its end, with a message for the inbox; once. */
  conclude(id: IncidentId, number: number, end: RunbookEnd): Promise<void>;
  /**
   * Begins a run that a person has asked for, with a message for the inbox. A runbook has one run at a time within an
   * incident: `running` is the number of the one that goes on.
   */
  start(id: IncidentId, followed: Followed & { by: string }): Promise<StartedRun>;
  /** Strongly consistent. */
  run(id: IncidentId, number: number): Promise<RunbookRun | undefined>;
  /** Newest first, as far as the index knows. */
  list(query: { limit: number; cursor?: string }): Promise<Page<{ incident: IncidentId; number: number }>>;
  /** All that is remembered of a run, by what it is. */
  memories(id: IncidentId, number: number): Promise<Map<string, Json>>;
};

export type StartedRun =
  | { kind: 'started'; number: number }
  | { kind: 'running'; number: number }
  | { kind: 'too_many' }
  | { kind: 'closed' };

/** A runbook with what the alert said for which it was chosen. */
export type Followed = {
  runbook: Runbook;
  labels: [string, string][];
  annotations: [string, string][];
  /** The person who has started it. Absent: alerts have. */
  by?: string | undefined;
  /** What they have given it. Absent: nothing. */
  inputs?: Record<string, string | number | boolean> | undefined;
  /** It goes on where an earlier run has failed. */
  again?: RunAgain | undefined;
};

export type RunAgain = {
  /** The number of the earlier run. */
  of: number;
  /** How the steps that are not done again have ended. */
  done: StepEnds;
  /** Of steps that the earlier run may have done: the keys by which the other side knows them. */
  lookFor: Record<string, string>;
};

/** A run as it is kept. `outcome`: null while it goes on. */
export type RunbookRun = Followed & { number: number; at: Timestamp; outcome: string | null; text: string | null };

/** `acted`: it has changed production. */
export type RunbookEnd = { outcome: string; text: string; acted: boolean; page: PageNeed };

/** Targets' ways back, tried out where nobody is hurt. */
export type Drills = {
  /** Begins one, with the lock of its target. Gives the reason where it may not be. */
  begin(drill: DrillRecord): Promise<{ ok: true } | { ok: false; reason: Reason }>;
  /** Strongly consistent. */
  get(id: DrillId): Promise<DrillRecord | undefined>;
  list(query: Partial<Place> & { limit: number; cursor?: string }): Promise<Page<Drill>>;
  /** Those that are not over. Strongly consistent. */
  running(): Promise<DrillRecord[]>;
  /** Writes how it stands now; its end lets the target go. `false`: something else was written since it was read. */
  put(drill: DrillRecord): Promise<boolean>;
  /** Right before the target is called: that it was, and that it is this drill's. `lost`: another has it by now. */
  claim(drill: DrillRecord): Promise<DrillRecord | 'lost' | 'changed'>;
  /** When each target's way back was last proved. */
  proved(): Promise<ProvedTarget[]>;
};

/** Starts the run of a drill's workflow; starting it again is success. */
export type DrillRuns = { start(id: DrillId, run: number): Promise<void> };

/** `superseded`: it is not the decision that waits. `not_asked`: others are. */
export type Answered = 'taken' | 'superseded' | 'needs_another' | 'not_asked';

export type Effects = {
  get(id: IncidentId, key: string): Promise<Effect | undefined>;
  /** Records what is about to be done; tells what is recorded already. */
  intend(id: IncidentId, effect: Omit<Effect, 'state' | 'at'>, also?: { page?: number }): Promise<Effect>;
  /**
   * Records that something of a service is about to be changed, counts it, and takes the target's lock; the incident
   * goes to `mitigating`. Gives the reason where it may not be.
   */
  intendAct(
    id: IncidentId,
    effect: Omit<Effect, 'state' | 'at'>,
    act: Act,
  ): Promise<{ ok: true; effect: Effect } | { ok: false; reason: Reason }>;
  /** Records at once what was done and may be done again, so that nothing is left that was only meant to be. */
  record(id: IncidentId, effect: Omit<Effect, 'at'>): Promise<void>;
  conclude(id: IncidentId, key: string, state: Effect['state'], detail: string, actor?: string): Promise<void>;
  /** Ends a rollback: outcome, lock, incident status, the change that it made, and the message for the inbox. */
  concludeRollback(id: IncidentId, end: RollbackEnd): Promise<void>;
  rollbacksSince(place: Place, since: Timestamp): Promise<number>;
  /**
   * Automatic acts of all services. `senders`: only those for alerts of one of these, of the one that has the fewest; 0
   * where none is named.
   */
  automaticSince(since: Timestamp, senders?: readonly string[]): Promise<number>;
};

/** What is about to be changed. */
export type Act = {
  place: Place;
  /** What is locked meanwhile. */
  resource: string;
  /** Nobody was asked: it counts against what all services together may do in an hour. */
  automatic: boolean;
  /** Who sent the alerts that it is for. Absent: not counted by sender. */
  senders?: readonly string[];
  /** It was our idea, asked or not: when it was wrong, that counts against the service's automation. */
  ours: boolean;
};

export type Place = { service: ServiceName; environment: EnvironmentName };

export type RollbackEnd = {
  key: string;
  number: number;
  place: Place;
  outcome: MitigationOutcome;
  page: PageNeed;
  /** It is to be judged once more. */
  again?: true;
  text: string;
  /** Set when versions have really changed. */
  moved: { from: Version; to: Version; suspect: ChangeId } | null;
};

export type Changes = {
  /** The same again (service, environment, version, kind, started_at) gives the first. */
  record(change: NewChange, extra?: { made_for?: string }): Promise<{ change: Change; created: boolean }>;
  /** `ended`: it has come to an end, and does not begin again. Undefined: there is none. */
  patch(id: ChangeId, patch: ChangePatch): Promise<Change | 'ended' | undefined>;
  get(id: ChangeId): Promise<Change | undefined>;
  list(query: Partial<Place> & { limit: number; cursor?: string }): Promise<Page<Change>>;
  /** The newest of a place, at most `limit`, oldest first. Strongly consistent. */
  recent(place: Place, limit: number): Promise<Change[]>;
  /** For each place the change that made its version live. */
  live(): Promise<Change[]>;
  /** Begun, and not ended as far as was told. `overdueAt`: it was said that its time was over then. */
  rolling(): Promise<{ change: Change; overdueAt: Timestamp | null }[]>;
  /** Failed, and nobody has said that this is over. `failedAt`: the end that was told first. */
  failures(): Promise<{ change: Change; failedAt: Timestamp }[]>;
  /** Remembers that it was said. */
  endFailure(id: ChangeId): Promise<void>;
  /** Remembers that it was said. */
  setOverdue(id: ChangeId, at: Timestamp): Promise<void>;
  /** Its end is not waited for any more. */
  forgetRolling(id: ChangeId): Promise<void>;
  /** Null also once it has ended. */
  overdueAt(id: ChangeId): Promise<Timestamp | null>;
};

/** Versions known bad. */
export type Pins = {
  /** Newest first. @param query.all those that are lifted or superseded, too */
  list(query: { limit: number; cursor?: string; all: boolean }): Promise<Page<PinView>>;
  /** Those in force. Strongly consistent. */
  of(place: Place): Promise<PinView[]>;
  get(id: string): Promise<PinView | undefined>;
  /** Undefined: there is none with this id. Again is success. */
  lift(id: string, by: string): Promise<PinView | undefined>;
};

/** What is wanted of targets that ask instead of being told; one wish for each place, the newest. */
export type Gates = {
  /** In the place of the one before. */
  ask(wish: Wish): Promise<void>;
  /** Strongly consistent. */
  get(place: Place): Promise<Wish | undefined>;
  /** It was asked about another roll-out than the wish of this act is for. */
  mistaken(place: Place, key: string, checksum: string): Promise<void>;
  /** Ends the wish of this act, if it is still the newest. */
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
   * Keeps a body whole. The same bytes again are counted.
   *
   * @param input.sender whose quota it takes from. Null: it is our own already, and is kept in any case
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

/** Counters that all instances share. */
export type Counters = {
  /**
   * Raises counters. Never fails, and waits for the table only briefly: a count is worth no delay. So a few may be missed,
   * or counted twice, when the table does not answer or a process dies.
   */
  add(counts: readonly Count[]): Promise<void>;
  read(): Promise<Count[]>;
};

/** `oldest`: since when the oldest of them waits; null: there is none. */
export type Waiting = { count: number; oldest: Timestamp | null };

/** What is under way and has not come to its end. */
export type Backlog = {
  /** Incidents with something that their workflow has not seen yet. */
  pending(): Promise<Waiting>;
  /** Effects without an outcome, of those that began in the last 24 hours, by kind. */
  effects(): Promise<{ kind: string; waiting: Waiting }[]>;
};

/** How many messages each queue has, about. */
export type QueueStats = {
  read(): Promise<{ queue: string; visible: number; inFlight: number; delayed: number }[]>;
};

export type AutomationSwitch = {
  /** Strongly consistent. */
  read(): Promise<Automation>;
  /** A service that was demoted is promoted where its mode is set to `act`, or to none, which caps nothing. */
  write(automation: AutomationInput, by: string): Promise<Automation>;
  /**
   * What automation has done for an incident was wrong: the act with this key, or all of them. Each counts once; a
   * service that has had too many is demoted.
   */
  wrong(id: IncidentId, key: string | null, why: string): Promise<{ acts: number; demoted: ServiceName[] }>;
};

export type Tokens = {
  find(hash: string): Promise<TokenRecord | undefined>;
  /** @throws NameTaken */
  create(token: NewToken, by: string): Promise<{ record: TokenRecord; secret: string }>;
  list(query: { limit: number; cursor?: string }): Promise<Page<TokenRecord>>;
  /** The token stays listed as revoked. False: there is none with this id, or it was revoked before. */
  revoke(id: string, by: string): Promise<boolean>;
  /** Which records are not as Firebreak wrote them. */
  check(): Promise<TokenAudit>;
};

export type TokenAudit = {
  valid: number;
  /** Good while FIREBREAK_ADMIN_TOKEN_PREVIOUS is set, until they are used. */
  previous: { id: string; name: string }[];
  /** Records of the list that authenticate nobody. */
  refused: { id: string; name: string }[];
  /** Tokens that were tried and whose record Firebreak did not write; at: the last time. */
  used: { name: string; at: string }[];
};

/** Answers of requests that create something, by the caller's key, for a day. */
export type Idempotency = {
  /** `mine`: go on, and say how it ended. `running`: another request with this key has not ended yet. */
  begin(
    key: IdempotencyKey,
    bodyHash: string,
  ): Promise<
    { kind: 'mine' } | { kind: 'running' } | { kind: 'other_body' } | { kind: 'done'; status: number; body: string }
  >;
  end(key: IdempotencyKey, answer: { status: number; body: string } | 'forget'): Promise<void>;
};
export type IdempotencyKey = { principal: string; route: string; key: string };

/** How one attempt at the outside world ended. `unclear`: it may have been done. */
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
  /** Pictures, from https alone. */
  images?: { src: string; alt: string }[];
  /** What is known of the incident now. Absent: it could not be read. */
  details?: PageDetails;
};

export type Pager = {
  /** One attempt. Repeating it with the same key does not page again. */
  send(request: PageRequest): Promise<Attempt>;
  /** Whether it is a stand-in, which notifies nobody. Absent: it isn't. */
  standIn?(): Promise<boolean>;
};

/** What stakeholders were told of incidents, by where each is told: `mailto:…`, `slack:…`. */
export type Digests = {
  /** Strongly consistent. */
  read(of: DigestOf): Promise<Readonly<Record<string, Remembered>>>;
  /**
   * Remembers it in place of what was there, so that of several who tell the same one does.
   *
   * @param before as it was read, or remembered last; undefined: nothing was there
   * @returns what is there now; undefined: somebody else has remembered something meanwhile
   */
  remember(
    of: DigestOf,
    receiver: string,
    told: ToldBefore,
    before: Remembered | undefined,
  ): Promise<Remembered | undefined>;
  /** The ways that are left in peace for now. */
  pauses(): Promise<Partial<Record<TellingWay, TellingPause>>>;
  /** @param pause null: it works again */
  setPause(way: TellingWay, pause: TellingPause | null): Promise<void>;
};

/** What receivers are sent: news of an incident, or the weekly report of shadow mode. */
export type DigestOf = IncidentId | 'shadow-report';

/** `rev`: how often that has changed. */
export type Remembered = ToldBefore & { rev: number };

/** Calls that runbooks make. One attempt per call. */
export type HttpCalls = {
  /** @param key of the act; sent as `Idempotency-Key` */
  call(request: With<'http'>, key: string): Promise<HttpAnswer>;
};

/** `answered`: whatever the status. `later`: no answer; it may have been done. `refused`: it was not called. */
export type HttpAnswer =
  | { kind: 'answered'; status: number; body: unknown; afterSeconds: number | null }
  | { kind: 'later'; detail: string }
  | { kind: 'refused'; detail: string };

export type Metrics = {
  /** `null`: no Prometheus is connected. */
  value(
    promql: string,
  ): Promise<{ kind: 'value'; value: number } | { kind: 'no_data' } | { kind: 'unreadable'; detail: string } | null>;
  /** First sample above `max` of the run of bad samples that reaches `until`, at most `lookBackSeconds` back. */
  firstAbove(promql: string, max: number, until: Timestamp, lookBackSeconds: number): Promise<Timestamp | null>;
  /**
   * Samples every 30 seconds; of several series the sum, or the worst. Null: no Prometheus, or no answer. Always finite.
   */
  range(promql: string, from: Timestamp, until: Timestamp, combine: 'max' | 'sum'): Promise<Curve | null>;
  /** The value now for each value of the label; the worst where several series have the same. Null as above. */
  byLabel(promql: string, label: string): Promise<{ label: string; value: number }[] | null>;
  /** `for` and evaluation interval of an alerting rule; `null` when it cannot be found. */
  rule(alertname: string): Promise<{ forSeconds: number; intervalSeconds: number } | null>;
};

/** `seen`: it has been found where it lives. `generatorUrl`: of what fires it, as its sender tells. */
export type FiringEpisode = Pick<Signal, 'episode' | 'source' | 'fingerprint' | 'labels' | 'severity' | 'title'> & {
  groupKey: string | null;
  generatorUrl: string | null;
  seen: boolean;
};

/**
 * What is known of an alert where alerts live. `listed`: this very one is there. `absent`: it is not, which says nothing of
 * one that was never found there. `over`: what fires it says that it does not any more.
 */
export type AlertState = 'listed' | 'absent' | 'over' | 'unknown';

export type AlertStates = {
  /** Somebody lists alerts exactly as they are told, so that one that was found is known by that. */
  areListed(): Promise<boolean>;
  /** Of each of these. `null`: nobody can be asked, or nobody answers. */
  of(alerts: readonly Pick<FiringEpisode, 'labels' | 'generatorUrl'>[]): Promise<AlertState[] | null>;
};
