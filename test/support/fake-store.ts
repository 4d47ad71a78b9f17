import {
  alertOf,
  type Arrival,
  asks,
  type Closed,
  highest,
  isEvent,
  type Novelty,
  looksBack,
  noveltyOf,
  opensIncident,
  pages,
  scopeOf,
} from '../../domain/alerts/admission.ts';
import { requestedAfter } from '../../domain/rollback/rollback-request.ts';
import {
  isOld,
  isWorthTelling,
  pagesAgain,
  type UnmatchedScope as UnmatchedPlace,
  placesBeside,
  SHARED_ENVIRONMENT,
  SHARED_SCOPE,
  sharedTitle,
} from '../../domain/alerts/unmatched.ts';
import { newChange } from '../../aws/table/changes/changes.ts';
import { SEVERAL, scopeOfGroup } from '../../aws/table/incidents/incident-groups.ts';
import { blankIncident } from '../../aws/table/incidents/new-incident.ts';
import { canonicalJson, sha256 } from '../../aws/hash.ts';
import type { ZodType } from 'zod';
import { nextByHand, whereFrom } from '../../domain/runbooks/by-hand.ts';
import type { Json } from '../../domain/runbooks/variables.ts';
import type { Receipt, SignalView } from '../../domain/ports/alerts.ts';
import type { AutomationSwitch } from '../../domain/ports/automation.ts';
import type { Changes, Pins } from '../../domain/ports/changes.ts';
import type { Page, ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Act, Answered, StepQuestion, Decisions, Effects, RollbackEnd } from '../../domain/ports/decisions.ts';
import type {
  Admitted,
  Amend,
  Amended,
  ChangeOfIncident,
  IncidentGroups,
  IncidentChange,
  Incidents,
  LeftToNext,
  Listened,
  ChildIncident,
} from '../../domain/ports/incidents.ts';
import type {
  BegunRunbook,
  Followed,
  RunbookEnd,
  RunbookRun,
  RunbookRuns,
  StartedRun,
} from '../../domain/ports/runbooks.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { isAmong, isApprover } from '../../domain/rollback/approvals.ts';
import { inForce, notCleared } from '../../domain/changes/cleared-suspects.ts';
import { isSpent, mergedCaps, promotedBy } from '../../domain/automation/automation.ts';
import { type GroupReason, type Opening, stillFails } from '../../domain/incidents/incident-group.ts';
import { whyStopped } from '../../domain/rollback/guards.ts';
import { fewestOf } from '../../domain/alerts/senders.ts';
import { partsView } from '../../domain/incidents/children.ts';
import type { Decision, DecisionInputs } from '../../domain/rollback/judgement.ts';
import { withoutShadow } from '../../domain/automation/shadow.ts';
import type { Child, Story } from '../../domain/messages/story.ts';
import { endOf, isAhead, putsVersionLive } from '../../domain/changes/versions.ts';
import { type Automation, type AutomationInput, untouchedAutomation } from '../../schemas/access/access.ts';
import type { Change, ChangePatch, NewChange } from '../../schemas/changes/change.ts';
import { NOBODY_OBJECTED } from '../../schemas/incidents/incident.ts';
import type {
  DecisionState,
  DecisionView,
  Effect,
  IncidentRecord,
  IncidentView,
  TimelineEntry,
} from '../../schemas/incidents/incident.ts';
import type { Reason } from '../../schemas/incidents/reason.ts';
import { type Mail, Message, readMail, type Unread } from '../../schemas/incidents/inbox.ts';
import { skippedEntry } from '../../domain/alerts/unread.ts';
import type { ChangeId, EnvironmentName, IncidentId, ServiceName, Severity } from '../../schemas/config/names.ts';
import type { Pin, PinView } from '../../schemas/changes/pin.ts';
import type { Signal } from '../../schemas/alerts/signal.ts';
import { Roles } from '../../schemas/people/response-roles.ts';
import { UNMATCHED_INCIDENTS } from '../../schemas/alerts/routes.ts';
import { secondsBetween, plusSeconds, type Timestamp } from '../../schemas/time/time.ts';

/*
 * The stores of domain/ports/ in memory, as short as possible. Tests with test/aws/table/both-stores.ts run on these
 * and on the real ones, which proves that they behave alike.
 */

type Episode = {
  episode: string;
  status: 'firing' | 'resolved';
  asksRollback: boolean;
  startsAt: Timestamp;
  endsAt: Timestamp | null;
  assumed: boolean;
  incidentId: IncidentId | null;
  severity: Severity;
  muted: boolean;
  mute: Arrival['mute'];
  heardAt: Timestamp;
  signal: Signal;
};

type Dossier = {
  record: IncidentRecord;
  scope: string;
  inbox: Mail[];
  keys: Set<string>;
  signals: Map<string, SignalView>;
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
      people?: readonly string[] | null;
    }
  >;
  runbooks: Map<
    number,
    {
      followed: Followed;
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

/**
 * All stored data, and the operations that several ports share. Nothing is asynchronous inside, so nothing can race.
 */
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
  places: UnmatchedPlace[] = [];
  /** Incidents by the chat's ID of the channel. */
  readonly channels = new Map<string, IncidentId>();
  readonly changes = new Map<ChangeId, Change>();
  readonly locks = new Map<string, { key: string; incident: string; until: Timestamp }>();
  readonly acts: { place: string; at: Timestamp }[] = [];
  /** Start times of automatic actions of all services. */
  readonly paces: { at: Timestamp; senders: readonly string[] }[] = [];
  readonly deeds: { service: ServiceName; incident: IncidentId; key: string; at: Timestamp; wrong: boolean }[] = [];
  readonly pins: Pin[] = [];
  /** Times when deploys were reported as overdue. */
  readonly overdue = new Map<ChangeId, Timestamp>();
  /** Times of failed deploys, as first reported, until the failure is resolved. */
  readonly failures = new Map<ChangeId, Timestamp>();
  /** Started deploys whose end is no longer awaited. */
  readonly forgotten = new Set<ChangeId>();
  automation: Automation = copy(untouchedAutomation);
  #minted = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Returns IDs that are the same in every run, and sort by creation time like real ones. */
  mint(): IncidentId {
    this.#minted += 1;
    return `01TEST${String(this.#minted).padStart(20, '0')}` as IncidentId;
  }

  /** Returns the change that brought the running version of a place, if known. */
  liveAt(place: ServiceEnvironment): Change | undefined {
    const since = ({ finished_at, started_at }: Change) => finished_at ?? started_at;
    return [...this.changes.values()]
      .filter(
        (change) =>
          placeOf(change) === placeOf(place) &&
          putsVersionLive(change) &&
          change.status === 'succeeded' &&
          !isAhead(change, this.clock.now()),
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

  begin(record: IncidentRecord, scope: string, entry: Omit<TimelineEntry, 'at'>, began?: Timestamp): Dossier {
    const dossier: Dossier = {
      record,
      scope,
      inbox: [],
      keys: new Set(),
      signals: new Map(),
      seen: new Set(),
      timeline: [{ ...entry, at: this.clock.now() }],
      decisions: new Map(),
      runbooks: new Map(),
      effects: new Map(),
      children: new Map(),
      joinedAt: null,
    };
    const { id, opened_at: at, service, environment, unmatched } = record;
    this.openings.push({ id, at, ...(began && { began }), scope, service, environment, unmatched });
    this.dossiers.set(record.id, dossier);
    this.open.set(scope, record.id);
    this.pend(record.id, 0);
    return dossier;
  }

  pend(id: IncidentId, seq: number): void {
    this.pending.set(id, { seq, since: this.pending.get(id)?.since ?? this.clock.now() });
  }

  mail(dossier: Dossier, message: Message, change: IncidentChange = {}, more: Partial<IncidentRecord> = {}): void {
    const { byHand, severity, title, status, verification, verifying, cleared, automationPaused, timeline } = change;
    const { rollbackAsked, escalated } = change;
    const asked = requestedAfter(dossier.record.asked, message, this.clock.now(), rollbackAsked);
    const seq = dossier.record.seq + 1;
    if (change.parent === null) delete dossier.record.parent_id;
    dossier.record = {
      ...dossier.record,
      ...given({ by_hand: byHand, severity, title, status, verification, verifying, cleared }),
      ...given({ automation_paused: automationPaused, asked, escalated }),
      ...more,
      seq,
    };
    dossier.inbox.push({ seq, message });
    if (timeline) dossier.timeline.push({ ...timeline, at: this.clock.now() });
    this.pend(dossier.record.id, seq);
  }
}

const given = <T extends object>(values: T): Partial<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;

/** Returns a copy, as if the value had been sent over the network. */
const copy = <T>(value: T): T => structuredClone(value);

/** Removes suspects that a person has cleared, even if an older judgement lists them. */
const recordOf = (record: IncidentRecord): IncidentRecord => ({
  ...copy(record),
  suspects: notCleared(copy(record.suspects), record.cleared),
});

const placeOf = ({ service, environment }: ServiceEnvironment): string => JSON.stringify([service, environment]);

type Heard = Arrival & { row: Episode | undefined; novelty: Novelty };

export class FakeIncidents implements Incidents {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async admit(
    arrivals: readonly Arrival[],
    receipt: Pick<Receipt, 'at' | 'trace'>,
    max: number = UNMATCHED_INCIDENTS,
  ): Promise<Admitted> {
    const counts = { opened: 0, joined: 0, recorded: 0, known: 0 };
    const admitted: Admitted = { wake: [], opened: [], apart: [], counts };
    // One at a time: each one sees the results of those before it.
    for (const arrival of arrivals) this.#admit(arrival, receipt, admitted, max);
    return { ...admitted, wake: [...new Set(admitted.wake)] };
  }

  #admit(arrival: Arrival, receipt: Pick<Receipt, 'at' | 'trace'>, admitted: Admitted, max: number): void {
    const store = this.#store;
    const { signal, mute } = arrival;
    const row = store.episodes.get(alertOf(signal));
    const { scope, dossier, mayOpen, claim } = this.#targetOf(arrival, row, max);
    const novelty = noveltyOf(signal, row, this.#closed(row, dossier), receipt.at, mute);
    const known = row?.incidentId ?? null;
    if (novelty === 'nothing') {
      admitted.counts.known += 1;
      if (dossier && signal.status === 'firing') dossier.record.renotified += 1;
      if (dossier) admitted.wake.push(dossier.record.id);
      const status = isEvent(signal) ? signal.status : (row?.status ?? signal.status);
      if (known === null) admitted.apart.push({ arrival, status });
      return;
    }
    const heard: Heard = { ...arrival, row, novelty };
    const asksToo = novelty === 'raised' && signal.asksRollback && row?.asksRollback === false;
    const asksNow =
      (novelty === 'asks' || asksToo) && mute === null && (known === null || known === dossier?.record.id);
    const fired =
      novelty === 'opens' ||
      novelty === 'returns' ||
      ((asksNow || (novelty === 'raised' && mute === null)) && known === null);
    const opens = mayOpen && dossier === undefined && fired && opensIncident([arrival]);
    const into = dossier ?? (opens ? this.#open(arrival, scope, receipt.trace) : undefined);
    if (opens && into !== undefined) claim?.(into.record.id);
    this.#keepEpisode(heard, { incidentId: fired ? (into?.record.id ?? null) : known, fired });
    if (known === null && (into === undefined || !fired)) admitted.apart.push({ arrival, status: signal.status });
    if (into === undefined) {
      admitted.counts.recorded += 1;
      return;
    }
    admitted.wake.push(into.record.id);
    if (fired) this.#attach(into, signal);
    if (opens) {
      admitted.counts.opened += 1;
      admitted.opened.push(into.record.id);
      return;
    }
    if (fired) admitted.counts.joined += 1;
    const ended = novelty === 'resolves' && known === into.record.id;
    const replaced = novelty === 'opens' && row?.status === 'firing' && known === into.record.id;
    const raised = novelty === 'raised' && known === into.record.id;
    if (fired || raised || ended || asksNow) this.#tell(into, heard, { fired, raised, ended, replaced, asksNow });
  }

  /** Behaves like aws/table/alerts/unmatched.ts. */
  #targetOf(
    arrival: Arrival,
    row: Episode | undefined,
    max: number,
  ): { scope: string; dossier: Dossier | undefined; mayOpen: boolean; claim?: (incident: IncidentId) => void } {
    const store = this.#store;
    const scope = scopeOf(arrival.signal);
    const dossier = store.openIncident(scope);
    if (arrival.signal.unmatched === null) return { scope, dossier, mayOpen: true };
    const shared = { scope: SHARED_SCOPE, dossier: store.openIncident(SHARED_SCOPE), mayOpen: true };
    if (shared.dossier !== undefined && row?.incidentId === shared.dossier.record.id) return shared;
    if (dossier !== undefined) return { scope, dossier, mayOpen: true };
    if (!opensIncident([arrival])) return { scope: '', dossier, mayOpen: false };
    const at = store.clock.now();
    const isOver = ({ incident }: UnmatchedPlace): boolean => store.dossier(incident).record.status === 'resolved';
    const free = store.places.filter((place) => isOld(place, at) && isOver(place));
    const others = placesBeside({ taken: store.places, free, max }, scope);
    if (others === undefined) return shared;
    const claim = (incident: IncidentId) => void (store.places = [...others, { scope, incident, at }]);
    return { scope, dossier, mayOpen: true, claim };
  }

  #closed(row: Episode | undefined, open: Dossier | undefined): Closed {
    if (!row?.incidentId || row.incidentId === open?.record.id) return null;
    const { resolved_at, resolved_by, verification } = this.#store.dossier(row.incidentId).record;
    const verified = resolved_by === null && verification === 'passed';
    return resolved_at === null ? null : { resolvedAt: resolved_at, verified };
  }

  #open(arrival: Arrival, scope: string, trace: string): Dossier {
    const { signal, delivery } = arrival;
    const { service, environment, unmatched, severity, title } = signal;
    const record: IncidentRecord = {
      ...blankIncident,
      id: this.#store.mint(),
      service,
      environment,
      unmatched,
      title: unmatched ? `${unmatched}: ${title}` : title,
      severity,
      page: pages(arrival),
      told_channels: [...new Set(delivery.channels)],
      opened_at: this.#store.clock.now(),
      trace,
      signal_count: 1,
      firing: isEvent(signal) ? 0 : 1,
      ...(isEvent(signal) && { by_event: true as const }),
      asks_rollback: signal.asksRollback,
    };
    if (scope === SHARED_SCOPE)
      Object.assign(record, { environment: SHARED_ENVIRONMENT, unmatched: '', title: sharedTitle(1) });
    const entry = { actor: 'alerts', kind: 'incident.opened', text: `Opened: ${record.title}`, detail: null };
    return this.#store.begin(record, scope, entry, signal.startsAt);
  }

  #keepEpisode(
    { signal, mute, row, novelty }: Heard,
    { incidentId, fired }: { incidentId: IncidentId | null; fired: boolean },
  ): void {
    const at = this.#store.clock.now();
    const anew = row === undefined || novelty === 'opens' || novelty === 'ended';
    const { episode, startsAt } = anew || fired ? signal : row;
    const muted = incidentId === null && mute !== null && signal.status === 'firing' && !isEvent(signal);
    this.#store.episodes.set(alertOf(signal), {
      episode,
      status: isEvent(signal) ? 'resolved' : signal.status,
      asksRollback: signal.asksRollback || (!anew && row.asksRollback),
      startsAt,
      endsAt: signal.status === 'resolved' ? (signal.endsAt ?? at) : null,
      assumed: false,
      incidentId,
      severity: highest([signal.severity, ...(anew ? [] : [row.severity])]),
      muted,
      mute: muted ? mute : null,
      heardAt: at,
      signal,
    });
  }

  #attach(into: Dossier, signal: Signal): void {
    into.signals.set(`${signal.startsAt}#${signal.episode}`, { ...signal, first_seen_at: this.#store.clock.now() });
  }

  #tell(
    into: Dossier,
    heard: Heard,
    { fired, raised, ended, replaced, asksNow }: Record<'fired' | 'raised' | 'ended' | 'replaced' | 'asksNow', boolean>,
  ): void {
    const { record } = into;
    const { signal, row } = heard;
    const loud = (fired || raised) && heard.mute === null;
    if (ended && row) this.#endSignal(into, row.episode, signal.endsAt ?? this.#store.clock.now());
    if (replaced && row) this.#endSignal(into, row.episode, signal.startsAt);
    const message: Message = {
      kind: 'signals',
      fired: fired || raised ? 1 : 0,
      resolved: ended ? 1 : 0,
      critical: loud && signal.severity === 'critical',
      pages: loud && pages(heard),
      asksRollback: (fired || asksNow) && asks(heard),
      ...(loud && looksBack(record, [heard]) && { looks_back: true as const }),
    };
    const kind = fired ? 'alerts.fired' : raised ? 'alerts.raised' : ended ? 'alerts.resolved' : 'alerts.asked';
    const at = this.#store.clock.now();
    const isShared = into.scope === SHARED_SCOPE;
    const again = isShared && message.pages && pagesAgain(record.paged_again_at ?? record.opened_at, at);
    const timeline = { actor: 'alerts', kind, text: signal.title, detail: null };
    const counted = record.signal_count + (fired ? 1 : 0);
    const isTold = !isShared || isWorthTelling(record.signal_count, counted);
    this.#store.mail(
      into,
      { ...message, ...(again && { again: true as const }) },
      { ...(isTold && { timeline }), ...(isShared && { title: sharedTitle(counted) }) },
      {
        ...(again && { paged_again_at: at }),
        severity: loud ? highest([record.severity, signal.severity]) : record.severity,
        signal_count:
          record.signal_count + (fired && (heard.novelty === 'opens' || row?.incidentId !== record.id) ? 1 : 0),
        firing: record.firing + (isEvent(signal) ? 0 : (fired ? 1 : 0) - (ended || replaced ? 1 : 0)),
        asks_rollback: record.asks_rollback || message.asksRollback,
      },
    );
  }

  #endSignal(into: Dossier, episode: string, endsAt: Timestamp): void {
    for (const [key, view] of into.signals) {
      if (view.episode === episode) into.signals.set(key, { ...view, status: 'resolved', endsAt });
    }
  }

  async declare(input: Parameters<Incidents['declare']>[0]): Promise<{ id: IncidentId; created: boolean }> {
    const { service, environment, title, severity, by, trace } = input;
    const scope = scopeOf({ service, environment, unmatched: null });
    const known = this.#store.open.get(scope);
    if (known) return { id: known, created: false };
    const id = this.#store.mint();
    const opened_at = this.#store.clock.now();
    const record = {
      ...blankIncident,
      id,
      service,
      environment,
      title,
      severity,
      opened_at,
      trace,
      by_hand: true as const,
      opened_by: by,
    };
    this.#store.begin(record, scope, { actor: by, kind: 'incident.opened', text: `Opened: ${title}`, detail: null });
    if (input.alone === true) this.#store.openings.pop();
    return { id, created: true };
  }

  async read(id: IncidentId): Promise<IncidentRecord | undefined> {
    const record = this.#store.dossiers.get(id)?.record;
    return record && recordOf(record);
  }

  async view(id: IncidentId): Promise<IncidentView | undefined> {
    const dossier = this.#store.dossiers.get(id);
    if (dossier === undefined) return undefined;
    const { service, environment, title, severity, status, opened_at, resolved_at, signal_count, suspects, cleared } =
      recordOf(dossier.record);
    return copy({
      id,
      service,
      environment,
      title,
      severity,
      status,
      opened_at,
      resolved_at,
      signal_count,
      suspects,
      parent_id: dossier.record.parent_id ?? null,
      ...(dossier.record.crowd !== undefined && { parts: partsView(partsOf(this.#store, id)) }),
      channel: dossier.record.channel ?? this.#channelOf(dossier.record.parent_id),
      roles: Object.fromEntries(Object.entries(dossier.record.roles ?? {}).map(([role, { shown }]) => [role, shown])),
      cleared: cleared ?? [],
      decisions: [...dossier.decisions.values()].map(({ view }) => view),
      effects: [...dossier.effects.values()],
    });
  }

  #channelOf(parent: IncidentId | undefined): string | null {
    return (parent && this.#store.dossiers.get(parent)?.record.channel) ?? null;
  }

  async list(): ReturnType<Incidents['list']> {
    const views = await Promise.all([...this.#store.dossiers.keys()].toReversed().map((id) => this.view(id)));
    return { items: views.filter((view) => view !== undefined), next_cursor: null };
  }

  async signals(id: IncidentId): ReturnType<Incidents['signals']> {
    return { items: copy([...(this.#store.dossiers.get(id)?.signals.values() ?? [])]), next_cursor: null };
  }

  async timeline(id: IncidentId): ReturnType<Incidents['timeline']> {
    return { items: copy((this.#store.dossiers.get(id)?.timeline ?? []).toReversed()), next_cursor: null };
  }

  async note(id: IncidentId, key: string, entry: TimelineEntry): Promise<void> {
    const { keys, timeline } = this.#store.dossier(id);
    if (keys.has(`note ${key}`)) return;
    keys.add(`note ${key}`);
    timeline.push(copy(entry));
  }

  async amend(id: IncidentId, amend: Amend, key?: string): Promise<Amended> {
    const dossier = this.#store.dossiers.get(id);
    if (dossier === undefined) return 'unknown';
    if (dossier.record.status === 'resolved') return 'resolved';
    if (key !== undefined && dossier.keys.has(`note ${key}`)) return 'as_it_is';
    const wanted = amend(copy(dossier.record));
    if (wanted === undefined) return 'as_it_is';
    if (key !== undefined) dossier.keys.add(`note ${key}`);
    const { record } = dossier;
    const roles = Object.entries({ ...record.roles, ...wanted.roles }).filter(([, holder]) => holder !== null);
    dossier.record = {
      ...record,
      roles: Roles.parse(Object.fromEntries(roles)),
      care: { ...record.care, ...wanted.care },
      amended: (record.amended ?? 0) + 1,
      ...given({ escalated: wanted.escalated }),
    };
    if (wanted.timeline) dossier.timeline.push(copy({ at: this.#store.clock.now(), ...wanted.timeline }));
    return 'done';
  }

  async post(id: IncidentId, message: Message, change: ChangeOfIncident = {}, key?: string): Promise<boolean> {
    const dossier = this.#store.dossiers.get(id);
    if (dossier === undefined || dossier.record.status === 'resolved') return false;
    if (key !== undefined && dossier.keys.has(`mail ${key}`)) return true;
    if (key !== undefined) dossier.keys.add(`mail ${key}`);
    this.#store.mail(dossier, copy(message), typeof change === 'function' ? change(copy(dossier.record)) : change);
    return true;
  }

  async begin(id: IncidentId, run: number, execution: string): ReturnType<Incidents['begin']> {
    const dossier = this.#store.dossiers.get(id);
    if (dossier === undefined) return undefined;
    const known = dossier.record;
    dossier.record = { ...known, started_run: run, execution };
    const { verification } = known;
    const unfinished = [...dossier.decisions].flatMap(([number, { outcome, asked }]) =>
      (outcome === undefined && asked === undefined) || (outcome === 'succeeded' && verification === 'pending')
        ? [number]
        : [],
    );
    const runbooks = begunOf(dossier);
    return { incident: recordOf({ ...known, started_run: run, execution: null }), unfinished, runbooks };
  }

  async listen(id: IncidentId, after: number, bell: string | null): Promise<Listened> {
    const dossier = this.#store.dossier(id);
    if (bell !== null) dossier.record.bells = { ...dossier.record.bells, inbox: bell };
    const rows = dossier.inbox.filter(({ seq }) => seq > after).slice(0, 100);
    const { mail, unread } = readMail(rows, this.#store.knows);
    const drained = mail.at(-1)?.seq ?? after;
    dossier.record.drained = drained;
    if ((this.#store.pending.get(id)?.seq ?? 0) <= drained) this.#store.pending.delete(id);
    const { firing, severity, status, renotified } = dossier.record;
    return copy({ mail, ...(unread && { unread }), firing, severity, status, renotified, at: this.#store.clock.now() });
  }

  async resolve(
    id: IncidentId,
    drained: number,
    by: string | null,
    text: string,
    warnings = 0,
  ): Promise<'resolved' | 'not_yet'> {
    const dossier = this.#store.dossiers.get(id);
    if (dossier === undefined || dossier.record.status === 'resolved') return 'resolved';
    const { record } = dossier;
    const calm = record.firing <= warnings && record.status !== 'mitigating';
    if (record.seq !== drained || (by === null && !calm)) return 'not_yet';
    const at = this.#store.clock.now();
    dossier.record = { ...record, status: 'resolved', resolved_at: at, resolved_by: by };
    dossier.timeline.push({ at, actor: by ?? 'firebreak', kind: 'incident.resolved', text, detail: null });
    this.#store.open.delete(dossier.scope);
    this.#store.pending.delete(id);
    return 'resolved';
  }

  async handOver(id: IncidentId, run: number, text: string, { unread, resolveBy }: LeftToNext = {}): Promise<void> {
    const dossier = this.#store.dossier(id);
    const { unread: _, resolve_by: __, ...record } = dossier.record;
    dossier.record = { ...record, run, ...given({ unread, resolve_by: resolveBy }) };
    this.#store.pend(id, 0);
    const at = this.#store.clock.now();
    await this.note(id, `run-${run}`, { at, actor: 'firebreak', kind: 'workflow.handed_over', text, detail: { run } });
  }

  async firingEpisodes(id: IncidentId): ReturnType<Incidents['firingEpisodes']> {
    return [...this.#store.episodes.values()]
      .filter((episode) => episode.incidentId === id && episode.status === 'firing')
      .map(({ episode, signal: { source, fingerprint, labels, severity, title, groupKey = null, links } }) => ({
        severity,
        title,
        episode,
        source,
        fingerprint,
        labels,
        groupKey,
        generatorUrl: links.source,
        seen: this.#store.dossier(id).seen.has(episode),
      }));
  }

  async skipUnread(id: IncidentId, unread: Unread): Promise<void> {
    await this.note(id, `unread-${unread.seq}`, skippedEntry(unread, this.#store.clock.now()));
  }

  async seeEpisodes(id: IncidentId, episodes: readonly string[]): Promise<void> {
    for (const episode of episodes) this.#store.dossier(id).seen.add(episode);
  }

  async endEpisodes(id: IncidentId, episodes: readonly string[], text: string): Promise<void> {
    const dossier = this.#store.dossier(id);
    const endsAt = this.#store.clock.now();
    for (const [alert, row] of this.#store.episodes) {
      const { episode } = row;
      if (!episodes.includes(episode) || row.status !== 'firing' || dossier.record.status === 'resolved') continue;
      this.#store.episodes.set(alert, { ...row, status: 'resolved', endsAt, assumed: true });
      this.#endSignal(dossier, episode, endsAt);
      this.#store.mail(
        dossier,
        { kind: 'signals', fired: 0, resolved: 1, critical: false, asksRollback: false },
        { timeline: { actor: 'firebreak', kind: 'alerts.ended', text, detail: { resolved: [episode] } } },
        { firing: dossier.record.firing - 1 },
      );
    }
  }

  async endEvents(id: IncidentId): Promise<void> {
    const dossier = this.#store.dossier(id);
    const { resolved_at: endsAt } = dossier.record;
    if (endsAt === null) return;
    for (const signal of dossier.signals.values()) {
      const row = this.#store.episodes.get(alertOf(signal));
      if (!isEvent(signal) || signal.status === 'resolved' || row === undefined) continue;
      this.#endSignal(dossier, signal.episode, endsAt);
      if (row.episode === signal.episode) this.#store.episodes.set(alertOf(signal), { ...row, endsAt });
    }
  }

  async pending(before: Timestamp): Promise<IncidentId[]> {
    return [...this.#store.pending].filter(([, { since }]) => since < before).map(([id]) => id);
  }

  async openAt(place: ServiceEnvironment): Promise<IncidentRecord | undefined> {
    return (await this.open()).find(
      ({ service, environment }) => service === place.service && environment === place.environment,
    );
  }

  async open(): Promise<IncidentRecord[]> {
    return [...this.#store.open.values()].map((id) => recordOf(this.#store.dossier(id).record));
  }

  /** Positions in the timeline are in the order of recording. */
  async story(id: IncidentId, after: string | null): Promise<Story | undefined> {
    const dossier = this.#store.dossiers.get(id);
    if (dossier === undefined) return undefined;
    const { record, decisions, effects, signals, timeline, children } = dossier;
    const incident = recordOf(record);
    const parent = incident.parent_id && this.#store.dossiers.get(incident.parent_id)?.record;
    return copy({
      incident,
      decisions: [...decisions.values()].map(({ view }) => view),
      effects: [...effects.values()],
      signals: [...signals.values()].toSorted(
        (a, b) => Number(a.status === 'resolved') - Number(b.status === 'resolved'),
      ),
      timeline: timeline
        .map((entry, index) => ({ place: String(index).padStart(10, '0'), entry }))
        .filter(({ place }) => after === null || place > after),
      children: [...children.keys()].map((child) => this.#child(child)),
      childCount: children.size,
      parent: parent ? { id: parent.id, channel: parent.channel ?? null } : null,
    });
  }

  #child(of: IncidentId): Child {
    const { id, service, unmatched, environment, title, severity, status } = this.#store.dossier(of).record;
    return { id, service: unmatched || service, environment, title, severity, status };
  }

  async setMuted(id: IncidentId, text: string | null): Promise<boolean> {
    const { record } = this.#store.dossier(id);
    if ((record.muted?.text ?? null) === text) return false;
    record.muted = text === null ? null : { text };
    return true;
  }

  async setChannel(id: IncidentId, channel: string, chatId?: string): Promise<void> {
    const { record } = this.#store.dossier(id);
    record.channel = channel;
    if (chatId === undefined) return;
    record.channel_id = chatId;
    this.#store.channels.set(chatId, id);
  }

  async inChannel(chatId: string): Promise<IncidentId | undefined> {
    return this.#store.channels.get(chatId);
  }

  async apart({ muted: wanted, limit }: Parameters<Incidents['apart']>[0]): ReturnType<Incidents['apart']> {
    const all = [...this.#store.episodes.values()]
      .filter(({ incidentId, muted }) => incidentId === null && muted === wanted)
      .toSorted((a, b) => (a.heardAt < b.heardAt ? 1 : -1))
      .map(({ signal, mute, heardAt }) => ({ signal: { ...signal, first_seen_at: heardAt }, mute }));
    return copy({ items: all.slice(0, limit), next_cursor: null });
  }

  async muted(): ReturnType<Incidents['muted']> {
    const muted = [...this.#store.episodes.values()].filter((episode) => episode.muted);
    return copy(muted.flatMap(({ signal, mute }) => (mute === null ? [] : [{ signal, by: mute.by }])));
  }
}

const partsOf = ({ dossiers }: FakeStore, parent: IncidentId): ChildIncident[] =>
  [...(dossiers.get(parent)?.children ?? [])].flatMap(([id, { joinedAt }]) => {
    const record = dossiers.get(id)?.record;
    return record?.parent_id === parent ? [{ incident: recordOf(record), joinedAt }] : [];
  });

export class FakeCrowds implements IncidentGroups {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async openedSince(since: Timestamp): Promise<Opening[]> {
    return copy(this.#store.openings.filter(({ at }) => at >= since));
  }

  async stillFailing(openings: readonly Opening[]): Promise<Opening[]> {
    const now = this.#store.clock.now();
    const fails = ({ id, at }: Opening): boolean => {
      const record = this.#store.dossiers.get(id)?.record;
      return record !== undefined && stillFails(record, secondsBetween(at, now));
    };
    return copy(openings.filter(fails));
  }

  async parentIn(environment: string): ReturnType<IncidentGroups['parentIn']> {
    const dossier = this.#store.openIncident(scopeOfGroup(environment));
    if (dossier === undefined) return undefined;
    return copy({ incident: dossier.record, lastJoinedAt: dossier.joinedAt ?? dossier.record.opened_at });
  }

  async openParent(environment: string, crowd: GroupReason, title: string, trace: string): Promise<IncidentId> {
    const scope = scopeOfGroup(environment);
    const open = this.#store.open.get(scope);
    if (open !== undefined) return open;
    const record: IncidentRecord = {
      ...blankIncident,
      id: this.#store.mint(),
      service: SEVERAL,
      environment: environment as EnvironmentName,
      title,
      severity: 'critical',
      opened_at: this.#store.clock.now(),
      trace,
      crowd,
    };
    const entry = { actor: 'alerts', kind: 'incident.opened', text: `Opened: ${title}`, detail: null };
    return this.#store.begin(record, scope, entry).record.id;
  }

  async join(parent: IncidentId, child: IncidentId): Promise<'joined' | 'closed'> {
    const [into, part] = [this.#store.dossiers.get(parent), this.#store.dossiers.get(child)];
    if (into === undefined || part === undefined) return 'closed';
    if (part.record.parent_id !== undefined) return 'joined';
    if (into.record.status === 'resolved' || part.record.status === 'resolved') return 'closed';
    const at = this.#store.clock.now();
    part.record = { ...part.record, parent_id: parent };
    const { firing, signal_count, title } = into.record;
    into.record = { ...into.record, firing: firing + 1, signal_count: signal_count + 1 };
    into.joinedAt = at;
    into.children.set(child, { joinedAt: at, endedAt: null });
    const told = { at, actor: 'firebreak', detail: null };
    into.timeline.push({ ...told, kind: 'alerts.joined', text: `Joined: ${part.record.title}` });
    part.timeline.push({ ...told, kind: 'incident.joined', text: `It is a part of ${title}` });
    return 'joined';
  }

  async parts(parent: IncidentId): Promise<ChildIncident[]> {
    return partsOf(this.#store, parent);
  }

  async letGo(
    parent: IncidentId,
    child: IncidentId,
    { page, text }: Parameters<IncidentGroups['letGo']>[2],
  ): Promise<boolean> {
    const part = this.#store.dossiers.get(child);
    if (part?.record.parent_id !== parent || part.record.status === 'resolved') return false;
    const timeline = { actor: 'firebreak', kind: 'incident.left', text, detail: { parent } };
    this.#store.mail(part, { kind: 'left', parent, page }, { parent: null, timeline });
    await this.childEnded(parent, child);
    return true;
  }

  async childEnded(parent: IncidentId, child: IncidentId): Promise<IncidentRecord | undefined> {
    const into = this.#store.dossiers.get(parent);
    const part = into?.children.get(child);
    if (into !== undefined && part?.endedAt === null) {
      part.endedAt = this.#store.clock.now();
      into.record = { ...into.record, firing: into.record.firing - 1 };
    }
    return copy(into?.record);
  }
}

export class FakeDecisions implements Decisions {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async keep(id: IncidentId, number: number, decision: Decision, inputs: DecisionInputs): Promise<DecisionView> {
    const dossier = this.#store.dossier(id);
    const known = dossier.decisions.get(number);
    if (known) return copy(known.view);
    const would = decision.kind === 'shadow' ? withoutShadow(inputs) : undefined;
    const view: DecisionView = {
      id: `${id}-${number}`,
      kind: decision.kind,
      because: decision.reasons[0]?.code ?? 'suspect',
      at: this.#store.clock.now(),
      digest: sha256(canonicalJson({ id, number, decision, inputs })),
      state: decision.kind === 'approve' ? 'waiting' : 'final',
      from_version: decision.from,
      to_version: decision.to,
      reasons: decision.reasons,
      answered_by: null,
      ...(would && { would }),
      target: decision.place,
      approvals: decision.approvals,
    };
    dossier.decisions.set(number, copy({ view, inputs, people: inputs.asked.approval?.people ?? null }));
    const told = decision.suspects.length > 0 || inForce(inputs.evidence.cleared).length > 0;
    const suspects = told ? decision.suspects : dossier.record.suspects;
    dossier.record = { ...dossier.record, suspects, mitigations: number };
    return copy(view);
  }

  async get(id: IncidentId, number: number): Promise<DecisionView | undefined> {
    return copy(this.#store.dossiers.get(id)?.decisions.get(number)?.view);
  }

  async inputs(id: IncidentId, number: number): Promise<DecisionInputs | undefined> {
    const found = this.#store.dossiers.get(id)?.decisions.get(number);
    return copy(found?.inputs) as DecisionInputs | undefined;
  }

  async await(id: IncidentId, number: number, bell: string): Promise<DecisionState> {
    const { record } = this.#store.dossier(id);
    record.bells = { ...record.bells, [`decision-${number}`]: bell };
    return this.state(id, number);
  }

  async markWrong(id: IncidentId, by: string, note: string): Promise<number> {
    const all = [...this.#store.dossier(id).decisions.values()].filter(({ view }) => view.kind === 'shadow');
    for (const one of all) one.view = { marked_wrong: { by, at: this.#store.clock.now(), note }, ...one.view };
    return all.length;
  }

  async state(id: IncidentId, number: number): Promise<DecisionState> {
    const found = this.#store.dossier(id).decisions.get(number);
    if (found === undefined) throw new Error(`incident ${id} has no decision ${number}`);
    return found.view.state;
  }

  async answer(
    id: IncidentId,
    digest: string,
    answer: 'approved' | 'rejected',
    by: string,
    note: string,
  ): Promise<Answered> {
    const dossier = this.#store.dossier(id);
    const found = [...dossier.decisions].find(([, { view }]) => view.digest === digest);
    if (found === undefined || dossier.record.status === 'resolved') return 'superseded';
    const [number, { view, people = null }] = found;
    if (view.state === 'waiting' && !isApprover(people, view.approvals, by)) return 'not_asked';
    if (view.state !== 'waiting') return view.state === answer && view.answered_by === by ? 'taken' : 'superseded';
    const { needed, given: before } = view.approvals;
    if (answer === 'approved') {
      if (isAmong(before, by)) return 'needs_another';
      view.approvals = { needed, given: [...before, by] };
      if (before.length + 1 < needed) {
        const at = this.#store.clock.now();
        dossier.timeline.push({ at, actor: by, kind: 'decision.agreed', text: note, detail: null });
        return 'taken';
      }
    }
    view.state = answer;
    view.answered_by = by;
    const timeline = { actor: by, kind: `decision.${answer}`, text: note, detail: null };
    this.#store.mail(dossier, { kind: 'answered', decision: `${id}-${number}`, by }, { timeline });
    return 'taken';
  }

  async ask(id: IncidentId, number: number, question: StepQuestion): Promise<DecisionView> {
    const dossier = this.#store.dossier(id);
    const known = dossier.decisions.get(number);
    if (known) return copy(known.view);
    const { text, reasons, place, people, approvals, given: agreed = [], inputs } = question;
    const view: DecisionView = {
      id: `${id}-${number}`,
      kind: 'approve',
      because: reasons[0]?.code ?? 'runbook_asks',
      at: this.#store.clock.now(),
      digest: sha256(canonicalJson({ id, number, question })),
      state: 'waiting',
      from_version: null,
      to_version: null,
      reasons,
      answered_by: null,
      question: text,
      target: place,
      approvals: { needed: approvals, given: [...agreed] },
    };
    dossier.decisions.set(number, copy({ view, inputs, people, asked: true }));
    return copy(view);
  }

  async outcome(id: IncidentId, number: number): ReturnType<Decisions['outcome']> {
    const found = this.#store.dossiers.get(id)?.decisions.get(number);
    if (found === undefined || !('asked' in found.inputs)) return undefined;
    return { asked: found.inputs.asked.by, outcome: found.outcome ?? null };
  }

  async expire(id: IncidentId, number: number, as: 'expired' | 'approved' = 'expired'): Promise<DecisionState> {
    const view = this.#store.dossier(id).decisions.get(number)?.view;
    if (view?.state === 'waiting') {
      view.state = as;
      view.answered_by = as === 'approved' ? NOBODY_OBJECTED : null;
    }
    return this.state(id, number);
  }
}

const LOCK_SECONDS = 3 * 3600;

export class FakeEffects implements Effects {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async get(id: IncidentId, key: string): Promise<Effect | undefined> {
    return copy(this.#store.dossiers.get(id)?.effects.get(key));
  }

  async intend(id: IncidentId, intent: Omit<Effect, 'state' | 'at'>, also: { page?: number } = {}): Promise<Effect> {
    const dossier = this.#store.dossier(id);
    const known = dossier.effects.get(intent.key);
    if (known) return copy(known);
    const effect: Effect = { ...intent, state: 'intended', at: this.#store.clock.now() };
    dossier.effects.set(intent.key, effect);
    if (also.page !== undefined) dossier.record.pages = also.page;
    return copy(effect);
  }

  async intendAct(
    id: IncidentId,
    intent: Omit<Effect, 'state' | 'at'>,
    { place, resource, automatic, ours, senders = [] }: Act,
  ): Promise<{ ok: true; effect: Effect } | { ok: false; reason: Reason }> {
    const dossier = this.#store.dossier(id);
    const known = dossier.effects.get(intent.key);
    if (known) return { ok: true, effect: copy(known) };
    const at = this.#store.clock.now();
    const lock = this.#store.locks.get(resource);
    const isLocked = lock !== undefined && lock.key !== intent.key && lock.until >= at;
    const reason = whyStopped('record', {
      agreement: automatic ? 'none' : 'approved',
      organisation_rollbacks_last_hour: await this.automaticSince(plusSeconds(at, -3600)),
      sender_rollbacks_last_hour: await this.automaticSince(plusSeconds(at, -3600), senders),
      locked_by: !isLocked ? null : lock.incident === id ? 'this_incident' : 'another_incident',
      incident_open: dossier.record.status !== 'resolved',
    });
    if (reason !== undefined) return { ok: false, reason };
    const effect: Effect = { ...intent, place, resource, state: 'intended', at };
    dossier.effects.set(intent.key, effect);
    dossier.record.status = 'mitigating';
    const kind = intent.kind === 'roll-back' ? 'rollback.started' : `${intent.kind}.started`;
    dossier.timeline.push({ at, actor: 'firebreak', kind, text: intent.detail, detail: null });
    this.#store.locks.set(resource, { key: intent.key, incident: id, until: plusSeconds(at, LOCK_SECONDS) });
    if (intent.kind === 'roll-back') this.#store.acts.push({ place: placeOf(place), at });
    if (automatic) this.#store.paces.push({ at, senders });
    if (ours) this.#store.deeds.push({ service: place.service, incident: id, key: intent.key, at, wrong: false });
    return { ok: true, effect: copy(effect) };
  }

  async automaticSince(since: Timestamp, senders?: readonly string[]): Promise<number> {
    const acts = this.#store.paces.filter(({ at }) => at > since);
    return senders === undefined ? acts.length : fewestOf(acts, senders);
  }

  async record(id: IncidentId, effect: Omit<Effect, 'at'>): Promise<void> {
    const dossier = this.#store.dossier(id);
    if (dossier.effects.has(effect.key)) return;
    const at = this.#store.clock.now();
    dossier.effects.set(effect.key, { ...effect, at });
    const { kind, state, detail } = effect;
    dossier.timeline.push({ at, actor: 'firebreak', kind: `${kind}.${state}`, text: detail, detail: null });
  }

  async conclude(id: IncidentId, key: string, state: Effect['state'], detail: string): Promise<void> {
    const dossier = this.#store.dossier(id);
    const effect = dossier.effects.get(key);
    if (effect === undefined || effect.state === state) return;
    dossier.effects.set(key, { ...effect, state, detail });
    if (state !== 'accepted' && this.#store.locks.get(effect.resource ?? '')?.key === key)
      this.#store.locks.delete(effect.resource ?? '');
    const at = this.#store.clock.now();
    dossier.timeline.push({ at, actor: 'firebreak', kind: `${effect.kind}.${state}`, text: detail, detail: null });
  }

  async concludeRollback(id: IncidentId, end: RollbackEnd): Promise<void> {
    const dossier = this.#store.dossier(id);
    const decision = dossier.decisions.get(end.number);
    if (decision === undefined) throw new Error(`incident ${id} or its decision ${end.number} does not exist`);
    if (decision.outcome !== undefined) return;
    decision.outcome = end.outcome;
    const effect = dossier.effects.get(end.key);
    if (effect) dossier.effects.set(end.key, { ...effect, state: stateOf(end.outcome), detail: end.text });
    const resource = effect?.resource ?? '';
    if (this.#store.locks.get(resource)?.key === end.key) this.#store.locks.delete(resource);
    if (end.moved) this.#move(id, end.place, end.moved, effect?.at ?? this.#store.clock.now());
    const timeline = { actor: 'firebreak', kind: `mitigation.${end.outcome}`, text: end.text, detail: null };
    if (dossier.record.status === 'resolved') dossier.timeline.push({ ...timeline, at: this.#store.clock.now() });
    else this.#tell(dossier, end, timeline);
  }

  #tell(dossier: Dossier, end: RollbackEnd, timeline: Omit<TimelineEntry, 'at'>): void {
    const change: IncidentChange =
      end.outcome === 'succeeded'
        ? {
            status: 'mitigated',
            verification: 'pending',
            verifying: { number: end.number, at: this.#store.clock.now() },
          }
        : dossier.effects.has(end.key) && dossier.record.status === 'mitigating'
          ? { status: 'open' }
          : {};
    const { number, outcome, page, again } = end;
    const message: Message = { kind: 'mitigation', number, outcome, page, ...(again && { again }) };
    this.#store.mail(dossier, message, { ...change, timeline });
  }

  #move(
    id: IncidentId,
    place: ServiceEnvironment,
    moved: NonNullable<RollbackEnd['moved']>,
    started_at: Timestamp,
  ): void {
    const at = this.#store.clock.now();
    const versions = { version: moved.to, previous_version: moved.from, kind: 'rollback' as const };
    const change = newChange({ ...place, ...versions, started_at, finished_at: at, has_migration: false }, at, id);
    this.#store.changes.set(change.id, change);
    const suspect = this.#store.changes.get(moved.suspect);
    if (suspect) this.#store.changes.set(suspect.id, { ...suspect, rolled_back_by: id });
    this.#store.pins.push({
      ...place,
      id: `pin_${moved.from}_${id}`,
      version: moved.from,
      rolled_back_to: moved.to,
      incident_id: id,
      reason: `rolled back to ${moved.to}`,
      pinned_at: at,
      lifted_at: null,
      lifted_by: null,
    });
  }

  async rollbacksSince(place: ServiceEnvironment, since: Timestamp): Promise<number> {
    return this.#store.acts.filter((act) => act.place === placeOf(place) && act.at >= since).length;
  }
}

const stateOf = (outcome: RollbackEnd['outcome']): Effect['state'] =>
  outcome === 'succeeded' || outcome === 'superseded' || outcome === 'withheld' ? outcome : 'failed';

export class FakeChanges implements Changes {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async record(input: NewChange, { made_for }: { made_for?: string } = {}): ReturnType<Changes['record']> {
    const change = newChange(input, this.#store.clock.now(), made_for ?? null);
    const known = this.#store.changes.get(change.id);
    if (known) return { change: copy(known), created: false };
    this.#keep(change);
    return { change: copy(change), created: true };
  }

  async patch(id: ChangeId, patch: ChangePatch): Promise<Change | 'ended' | undefined> {
    const known = this.#store.changes.get(id);
    if (known === undefined) return undefined;
    if (patch.status === 'started' && known.status !== 'started') return 'ended';
    const next = { ...known, ...(given(patch) as Partial<Change>) };
    const finished_at = next.status === 'started' ? next.finished_at : (next.finished_at ?? this.#store.clock.now());
    this.#keep({ ...next, finished_at });
    if (next.status !== 'started') this.#store.overdue.delete(id);
    return copy({ ...next, finished_at });
  }

  async get(id: ChangeId): Promise<Change | undefined> {
    return copy(this.#store.changes.get(id));
  }

  async list(): ReturnType<Changes['list']> {
    return { items: copy(this.#sorted().toReversed()), next_cursor: null };
  }

  async recent(place: ServiceEnvironment, limit: number): Promise<Change[]> {
    return copy(
      this.#sorted()
        .filter((change) => placeOf(change) === placeOf(place) && !isAhead(change, this.#store.clock.now()))
        .slice(-limit),
    );
  }

  async live(): Promise<Change[]> {
    const places = new Map(this.#sorted().map((change) => [placeOf(change), change]));
    return [...places.values()].flatMap((place) => copy(this.#store.liveAt(place) ?? []));
  }

  async rolling(): ReturnType<Changes['rolling']> {
    const begun = this.#sorted().filter(({ status, id }) => status === 'started' && !this.#store.forgotten.has(id));
    return begun.map((change) => ({ change: copy(change), overdueAt: this.#store.overdue.get(change.id) ?? null }));
  }

  #keep(change: Change): void {
    const { changes, failures } = this.#store;
    changes.set(change.id, change);
    if (change.status === 'failed' && !failures.has(change.id)) failures.set(change.id, endOf(change));
  }

  async failures(): ReturnType<Changes['failures']> {
    const failed = this.#sorted().flatMap((change) => {
      const failedAt = this.#store.failures.get(change.id);
      return failedAt === undefined ? [] : [{ change, failedAt }];
    });
    return copy(failed);
  }

  async endFailure(id: ChangeId): Promise<void> {
    this.#store.failures.delete(id);
  }

  async setOverdue(id: ChangeId, at: Timestamp): Promise<void> {
    if (this.#store.changes.get(id)?.status === 'started') this.#store.overdue.set(id, at);
  }

  async forgetRolling(id: ChangeId): Promise<void> {
    this.#store.overdue.delete(id);
    this.#store.forgotten.add(id);
  }

  async overdueAt(id: ChangeId): Promise<Timestamp | null> {
    return this.#store.overdue.get(id) ?? null;
  }

  #sorted(): Change[] {
    const key = (change: Change) => `${change.started_at}#${change.id}`;
    return [...this.#store.changes.values()].toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  }
}

export class FakeAutomation implements AutomationSwitch {
  readonly #store: FakeStore;
  readonly #promotedAt = new Map<string, Timestamp>();

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async read(): Promise<Automation> {
    return copy(this.#store.automation);
  }

  async write({ paused, reason, mode, services }: AutomationInput, by: string): Promise<Automation> {
    const before = this.#store.automation;
    const at = this.#store.clock.now();
    const promoted = new Set(promotedBy(services));
    this.#store.automation = {
      paused: paused ?? before.paused,
      reason: reason === undefined ? before.reason : reason,
      mode: mode === undefined ? before.mode : mode,
      services: mergedCaps(before.services, services ?? {}),
      demoted: Object.fromEntries(Object.entries(before.demoted).filter(([name]) => !promoted.has(name))),
      by,
      at,
    };
    for (const name of Object.keys(before.demoted)) if (promoted.has(name)) this.#promotedAt.set(name, at);
    return this.read();
  }

  async wrong(id: IncidentId, key: string | null, why: string): Promise<{ acts: number; demoted: ServiceName[] }> {
    const { deeds, automation, clock } = this.#store;
    const acts = deeds.filter((deed) => deed.incident === id && (key === null || deed.key === key));
    for (const deed of acts) deed.wrong = true;
    const demoted = [...new Set(acts.map(({ service }) => service))].filter((service) =>
      isSpent(
        deeds
          .filter((deed) => deed.service === service && deed.at >= (this.#promotedAt.get(service) ?? ''))
          .toReversed(),
      ),
    );
    for (const service of demoted) automation.demoted[service] ??= { at: clock.now(), reason: why };
    return { acts: acts.length, demoted };
  }
}

export class FakeRunbooks implements RunbookRuns {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async of(id: IncidentId): Promise<BegunRunbook[]> {
    return begunOf(this.#store.dossier(id));
  }

  async get(id: IncidentId, number: number): Promise<Followed | undefined> {
    return copy(this.#store.dossier(id).runbooks.get(number)?.followed);
  }

  async choose(id: IncidentId, number: number, followed: Followed): Promise<Followed | undefined> {
    const { runbooks, timeline } = this.#store.dossier(id);
    const known = runbooks.get(number);
    if (known) return copy(known.followed);
    if ([...runbooks.values()].some((other) => other.followed.runbook.name === followed.runbook.name)) return undefined;
    const at = this.#store.clock.now();
    runbooks.set(number, { followed: copy(followed), outcome: null, acted: false, memory: new Map(), at, text: null });
    const text = followed.runbook.title;
    timeline.push({ at: this.#store.clock.now(), actor: 'firebreak', kind: 'runbook.started', text, detail: null });
    return copy(followed);
  }

  async remember<T extends Json>(id: IncidentId, number: number, what: string, value: T): Promise<T> {
    const memory = this.#store.dossier(id).runbooks.get(number)?.memory;
    if (memory === undefined) throw new Error(`incident ${id} has no runbook ${number}`);
    if (!memory.has(what)) memory.set(what, copy(value));
    return copy(memory.get(what)) as T;
  }

  async recall(id: IncidentId, number: number, what: string): Promise<Json | undefined> {
    return copy(this.#store.dossier(id).runbooks.get(number)?.memory.get(what));
  }

  async list(): Promise<Page<{ incident: IncidentId; number: number }>> {
    const runs = [...this.#store.dossiers].flatMap(([incident, { runbooks }]) =>
      [...runbooks].map(([number, { at }]) => ({ incident, number, at })),
    );
    const items = runs.toSorted((a, b) => (a.at < b.at ? 1 : -1)).map(({ incident, number }) => ({ incident, number }));
    return { items, next_cursor: null };
  }

  async memories(id: IncidentId, number: number): Promise<Map<string, Json>> {
    return copy(this.#store.dossier(id).runbooks.get(number)?.memory ?? new Map<string, Json>());
  }

  async run(id: IncidentId, number: number): Promise<RunbookRun | undefined> {
    const kept = this.#store.dossier(id).runbooks.get(number);
    if (kept === undefined) return undefined;
    const { followed, outcome, at, text } = kept;
    return copy({ ...followed, number, at, outcome, text });
  }

  async start(id: IncidentId, followed: Followed & { by: string }): Promise<StartedRun> {
    const dossier = this.#store.dossier(id);
    if (dossier.record.status === 'resolved') return { kind: 'closed' };
    const begun = begunOf(dossier);
    const running = begun.find(({ name, done }) => name === followed.runbook.name && !done);
    if (running !== undefined) return { kind: 'running', number: running.number };
    const number = nextByHand(begun.map((run) => run.number));
    if (number === null) return { kind: 'too_many' };
    const at = this.#store.clock.now();
    dossier.runbooks.set(number, {
      followed: copy(followed),
      outcome: null,
      acted: false,
      memory: new Map(),
      at,
      text: null,
    });
    const again =
      followed.again === undefined ? '' : ` again, from ${whereFrom(followed.runbook, followed.again.done)}`;
    this.#store.mail(
      dossier,
      { kind: 'runbook_run', number },
      {
        timeline: {
          actor: followed.by,
          kind: 'runbook.started',
          text: `${followed.runbook.title}${again}`,
          detail: null,
        },
      },
    );
    return { kind: 'started', number };
  }

  async conclude(id: IncidentId, number: number, { outcome, text, acted, page }: RunbookEnd): Promise<void> {
    const dossier = this.#store.dossier(id);
    const runbook = dossier.runbooks.get(number);
    if (runbook === undefined || runbook.outcome !== null) return;
    runbook.outcome = outcome;
    runbook.acted = acted;
    runbook.text = text;
    const timeline = { actor: 'firebreak', kind: `runbook.${outcome}`, text, detail: null };
    if (dossier.record.status === 'resolved') {
      dossier.timeline.push({ ...timeline, at: this.#store.clock.now() });
      return;
    }
    const underWay = [...dossier.effects.values()].some(
      ({ resource, state }) => resource !== undefined && (state === 'intended' || state === 'accepted'),
    );
    const change: IncidentChange = acted
      ? {
          status: 'mitigated',
          verification: 'pending',
          verifying: { number: 0, runbook: number, at: this.#store.clock.now() },
        }
      : dossier.record.status === 'mitigating' && !underWay
        ? { status: ['not_needed', 'failed'].includes(dossier.record.verification) ? 'open' : 'mitigated' }
        : {};
    this.#store.mail(dossier, { kind: 'runbook', number, acted, page }, { ...change, timeline });
  }
}

const begunOf = ({ runbooks }: Dossier): BegunRunbook[] =>
  [...runbooks].map(([number, { followed, outcome, acted }]) => ({
    number,
    name: followed.runbook.name,
    done: outcome !== null,
    acted,
  }));

export class FakePins implements Pins {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async of(place: ServiceEnvironment): Promise<PinView[]> {
    const there = this.#store.pins.filter((pin) => placeOf(pin) === placeOf(place));
    return this.#newestFirst(there).filter(({ state }) => state === 'pinned');
  }

  async list({ limit, cursor, all }: { limit: number; cursor?: string; all: boolean }): ReturnType<Pins['list']> {
    const views = this.#newestFirst(this.#store.pins).filter(({ state }) => all || state === 'pinned');
    const from = cursor === undefined ? 0 : Number(cursor);
    return {
      items: views.slice(from, from + limit),
      next_cursor: views.length > from + limit ? String(from + limit) : null,
    };
  }

  async get(id: string): Promise<PinView | undefined> {
    const pin = this.#store.pins.find((one) => one.id === id);
    return pin && this.#view(pin);
  }

  async lift(id: string, by: string): Promise<PinView | undefined> {
    const pin = this.#store.pins.find((one) => one.id === id);
    if (pin?.lifted_at === null) Object.assign(pin, { lifted_at: this.#store.clock.now(), lifted_by: by });
    return this.get(id);
  }

  #newestFirst(pins: readonly Pin[]): PinView[] {
    const place = ({ pinned_at, id }: Pin) => `${pinned_at}#${id}`;
    return pins.toSorted((a, b) => (place(a) < place(b) ? 1 : -1)).map((pin) => this.#view(pin));
  }

  #view(pin: Pin): PinView {
    const runs = this.#store.liveAt(pin);
    const known = [pin.version, pin.rolled_back_to];
    const newer =
      runs !== undefined &&
      runs.kind !== 'rollback' &&
      !known.includes(runs.version) &&
      runs.started_at > pin.pinned_at;
    const state = pin.lifted_at === null ? (newer ? 'superseded' : 'pinned') : 'lifted';
    return { ...copy(pin), state, superseded_by: newer ? runs.version : null };
  }
}
