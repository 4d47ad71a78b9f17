import type { ZodType } from 'zod';
import type { AlertEpisode } from '../../../domain/alerts/plan-admission.ts';
import type { Arrival } from '../../../domain/alerts/admission.ts';
import type { UnmatchedScope } from '../../../domain/alerts/unmatched.ts';
import { startsTooFarAhead, putsVersionLive } from '../../../domain/changes/versions.ts';
import type { Opening } from '../../../domain/incidents/incident-group.ts';
import type { NewIncident } from '../../../domain/incidents/new-incident.ts';
import type { Lock, Pace } from '../../../domain/incidents/plan-effects.ts';
import type { IncidentPatch, InboxPost } from '../../../domain/incidents/inbox-post.ts';
import type { AdmittedSignal } from '../../../domain/ports/alerts.ts';
import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import type { RollbackEnd, StepQuestion } from '../../../domain/ports/decisions.ts';
import type { SelectedRunbook } from '../../../domain/ports/runbooks.ts';
import type { Clock } from '../../../domain/ports/system.ts';
import type { DecisionInputs } from '../../../domain/rollback/judgement.ts';
import type { Json } from '../../../domain/runbooks/variables.ts';
import { type Automation, untouchedAutomation } from '../../../schemas/access/access.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { ObjectHistory, RolloutRecord } from '../../../schemas/changes/change-report.ts';
import type { PullRequest, Push, Release } from '../../../schemas/delivery/code.ts';
import type { Pin } from '../../../schemas/changes/pin.ts';
import type { ChangeId, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import type { DecisionView, Effect, IncidentRecord, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import { type InboxMessage, Message } from '../../../schemas/incidents/inbox.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/*
 * The stores of domain/ports/ in memory. They read their state, call the same plans of the domain as the table, and
 * apply them; they decide nothing. Tests with test/aws/table/both-stores.ts run on these and on the table.
 */

/** The newest episode of an alert, with its last notification. */
export type Episode = AlertEpisode & { mute: Arrival['mute']; receivedAt: Timestamp; signal: Signal };

export type Dossier = {
  record: IncidentRecord;
  scope: string;
  inbox: (InboxMessage & { at: Timestamp })[];
  keys: Set<string>;
  signals: Map<string, AdmittedSignal>;
  seen: Set<string>;
  timeline: TimelineEntry[];
  decisions: Map<
    number,
    {
      view: DecisionView;
      inputs: DecisionInputs | StepQuestion['inputs'];
      outcome?: RollbackEnd['outcome'];
      /** Whether it is about a step of a runbook, which then continues by itself. */
      asked?: true;
      people: readonly string[] | null;
    }
  >;
  runbooks: Map<
    number,
    {
      followed: SelectedRunbook;
      outcome: string | null;
      acted: boolean;
      memory: Map<string, Json>;
      at: Timestamp;
      text: string | null;
    }
  >;
  effects: Map<string, Effect>;
  /** For a parent: its children, with the times when they joined and ended. */
  children: Map<IncidentId, { joinedAt: Timestamp; endedAt: Timestamp | null }>;
  joinedAt: Timestamp | null;
};

/** All stored data, and the writes that several stores share. Nothing is asynchronous inside, so nothing can race. */
export class FakeStore {
  readonly clock: Clock;
  /** The schema of messages that the reading version supports. */
  knows: ZodType<Message> = Message;
  readonly dossiers = new Map<IncidentId, Dossier>();
  readonly open = new Map<string, IncidentId>();
  readonly pending = new Map<IncidentId, { seq: number; since: Timestamp }>();
  /** The newest episode of each alert. */
  readonly episodes = new Map<string, Episode>();
  readonly openings: Opening[] = [];
  /** Services outside of the catalogue that have their own incident. */
  places: readonly UnmatchedScope[] = [];
  /** Incidents by the chat's ID of the channel. */
  /** Resolved incidents whose post-mortem is not drafted yet. */
  /** Actions whose evidence is not stored yet: incident and name. */
  readonly evidenceDue = new Set<string>();
  readonly postmortemsDue = new Map<IncidentId, Timestamp>();
  /** When action items are compared with their issues, and the number of the mark. */
  readonly issueMarks = new Map<IncidentId, { at: Timestamp; mark: string }>();
  readonly channels = new Map<string, IncidentId>();
  readonly changes = new Map<ChangeId, Change>();
  readonly pushes: Push[] = [];
  readonly pullRequests = new Map<string, PullRequest>();
  readonly releases = new Map<string, Release>();
  readonly rollouts = new Map<string, RolloutRecord>();
  readonly objectHistories = new Map<string, ObjectHistory>();
  readonly locks = new Map<string, Lock>();
  readonly acts: { place: string; at: Timestamp }[] = [];
  /** Automatic actions of all services. */
  pace: Pace = { times: [], acts: [] };
  readonly deeds: { service: ServiceName; incident: IncidentId; key: string; at: Timestamp; wrong: boolean }[] = [];
  readonly pins: Pin[] = [];
  /** Times when deploys were reported as overdue. */
  readonly overdue = new Map<ChangeId, Timestamp>();
  /** Times of failed deploys, as first reported, until the failure is resolved. */
  readonly failures = new Map<ChangeId, Timestamp>();
  /** Started deploys whose end is no longer awaited. */
  readonly forgotten = new Set<ChangeId>();
  automation: Automation = copy(untouchedAutomation);

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** The ID of the next incident: the same in every run, and sorted by creation like real ones. */
  get nextId(): IncidentId {
    return `01TEST${String(this.dossiers.size + 1).padStart(20, '0')}` as IncidentId;
  }

  /** Returns the change that brought the running version of a place, if known. */
  liveAt(serviceEnvironment: ServiceEnvironment): Change | undefined {
    const since = ({ finished_at, started_at }: Change) => finished_at ?? started_at;
    return [...this.changes.values()]
      .filter(
        (change) =>
          targetKey(change) === targetKey(serviceEnvironment) &&
          putsVersionLive(change) &&
          change.status === 'succeeded' &&
          !startsTooFarAhead(change, this.clock.now()),
      )
      .toSorted((a, b) => (since(a) < since(b) ? -1 : 1))
      .at(-1);
  }

  /** @throws Error if there is none, since the real stores also require an existing incident */
  dossier(id: IncidentId): Dossier {
    const found = this.dossiers.get(id);
    if (found === undefined) throw new Error(`incident ${id} does not exist`);
    return found;
  }

  openIncident(scope: string): Dossier | undefined {
    const id = this.open.get(scope);
    return id === undefined ? undefined : this.dossier(id);
  }

  begin({ incident: record, scope, opening, entry }: NewIncident): IncidentId {
    const dossier: Dossier = {
      record: copy(record),
      scope,
      inbox: [],
      keys: new Set(),
      signals: new Map(),
      seen: new Set(),
      timeline: [entry],
      decisions: new Map(),
      runbooks: new Map(),
      effects: new Map(),
      children: new Map(),
      joinedAt: null,
    };
    if (opening !== null) this.openings.push(opening);
    this.dossiers.set(record.id, dossier);
    this.open.set(scope, record.id);
    this.pend(record.id, 0);
    return record.id;
  }

  pend(id: IncidentId, seq: number): void {
    this.pending.set(id, { seq, since: this.pending.get(id)?.since ?? this.clock.now() });
  }

  /** @throws Error if the patch is based on another state, which can't happen without a race */
  patch(id: IncidentId, { set = {}, remove = [], seen = {}, notIn = [], add = {} }: IncidentPatch): void {
    const dossier = this.dossier(id);
    const { record } = dossier;
    const differs = Object.entries(seen).some(([name, value]) => record[name as keyof IncidentRecord] !== value);
    if (differs || notIn.includes(record.status)) throw new Error(`a patch of ${id} is based on another state`);
    const kept = Object.entries(record).filter(([name]) => !remove.some((gone) => gone === name));
    dossier.record = {
      ...(Object.fromEntries(kept) as IncidentRecord),
      ...copy(set),
      firing: (set.firing ?? record.firing) + (add.firing ?? 0),
      signal_count: (set.signal_count ?? record.signal_count) + (add.signal_count ?? 0),
    };
  }

  post({ incident: id, seq, message, at, patch, entry }: InboxPost): void {
    const { inbox, timeline } = this.dossier(id);
    this.patch(id, patch);
    inbox.push({ seq, at, message: copy(message) });
    if (entry !== null) timeline.push(copy(entry));
    this.pend(id, seq);
  }
}

/** Returns a copy, as if the value had been sent over the network. */
export const copy = <T>(value: T): T => structuredClone(value);

export const targetKey = ({ service, environment }: ServiceEnvironment): string =>
  JSON.stringify([service, environment]);
