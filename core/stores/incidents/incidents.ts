import { increment as oneMore } from '../../domain/incidents/metrics.ts';
import { type Arrival, scopeOf } from '../../domain/alerts/admission.ts';
import type { HeldAlert, Receipt } from '../../domain/ports/alerts.ts';
import type {
  Admitted,
  FirstRead,
  Amend,
  Amended,
  ChangeOfIncident,
  Incidents,
  HandoverState,
  ReopenResult,
  InboxContent,
} from '../../domain/ports/incidents.ts';
import type { BegunRunbook } from '../../domain/ports/runbooks.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { isPerson } from '../../domain/incidents/closing.ts';
import { RECOVERY_SECONDS } from '../../domain/incidents/new-onset.ts';
import {
  type DecisionEnd,
  planHandover,
  planAmendment,
  ALERTS_ENDED,
  endsWithAlerts,
  planResolution,
  unfinishedOf,
} from '../../domain/incidents/lifecycle.ts';
import { planReopening, whyNotReopenable } from '../../domain/incidents/reopening.ts';
import { declaredIncident } from '../../domain/incidents/new-incident.ts';
import { inboxPostOf } from '../../domain/incidents/inbox-post.ts';
import { skippedMessageEntry } from '../../domain/alerts/unread.ts';
import type { IncidentRecord, PageContradiction, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import { type Message, readInboxRows, type UnreadableMessage } from '../../../schemas/incidents/inbox.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import type { SimilarIncident } from '../../../schemas/incidents/similar.ts';
import { UNMATCHED_INCIDENTS } from '../../../schemas/alerts/routes.ts';
import { mintIncidentId } from '../../stores/ids.ts';
import { incidentAuditWrite } from '../audit/audit-writes.ts';
import {
  REOPEN_UNVERIFIED_WITHIN_SECONDS,
  REOPEN_WITHIN_SECONDS,
  REPETITION_RECORDED_SECONDS,
} from '../../domain/alerts/admission.ts';
import { admit, firstRead } from '../alerts/admit.ts';
import { releaseHeld } from '../alerts/held.ts';
import { begunRunbooks } from './runbooks.ts';
import { type Observers, unobserved } from './observers.ts';
import { endedMarks, keys } from '../../stores/keys.ts';
import { patchWrite, storeCallback, postWrites, pendingWrite, timelineWrite } from './inbox.ts';
import { IncidentNumbers } from './incident-numbers.ts';
import { newIncidentWrites, reopeningWrites } from './new-incident.ts';
import { projectionMarkWrite } from './projections.ts';
import { incidentRecordOf } from '../../stores/record.ts';
import { expiresAfter, RETENTION_DAYS } from '../../stores/retention.ts';
import { collect, type Table } from '../../stores/table.ts';
import {
  absent,
  anyOf,
  atMost,
  differs,
  equals,
  exists,
  type Item,
  present,
  put,
  remove,
  update,
} from '../../../platforms/store.ts';
import { IncidentEpisodes } from './incident-episodes.ts';
import { IncidentReads } from './incident-reads.ts';

const TRIES = 20;

/** Messages of people that are recorded in the audit log, by the kind of their timeline entry. */
const IN_AUDIT_LOG = new Set([
  'rollback.requested',
  'rollback.proposed',
  'automation.paused',
  'automation.resumed',
  'automation.aborted',
]);

/** Kinds of notes that a caller has written. */
const IS_NOTE = /^note(?:\.pinned)?$/;
/** Kinds of entries about what did not succeed, such as `page.failed`. */
const IS_FAILURE = /\.failed$/;

/** Messages that change what other incidents of the group show. */
const OF_GROUP: ReadonlySet<string> = new Set(['verification', 'redeployed', 'page_outdated']);

/** Entries of a timeline that are read together. The end of the alerts is among the newest. */
const ENTRIES_READ_AT_ONCE = 20;

/** Messages per step: the result of a step is checkpointed, and a checkpoint holds 256 KB. */
const MESSAGES_MAX = 100;

/** Stores incidents with their inbox, signals, and timeline. */
export class IncidentTable extends IncidentReads implements Incidents {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #observers: Observers;
  readonly #episodes: IncidentEpisodes;
  readonly #mint: typeof mintIncidentId;
  readonly #numbers: IncidentNumbers;

  constructor(table: Table, clock: Clock, observers: Observers = unobserved, mint = mintIncidentId) {
    super(table);
    this.#table = table;
    this.#clock = clock;
    this.#observers = observers;
    this.#mint = mint;
    this.#numbers = new IncidentNumbers(table);
    this.#episodes = new IncidentEpisodes(table, clock);
  }

  override async read(id: IncidentId): Promise<IncidentRecord | undefined> {
    const incident = await super.read(id);
    if (incident !== undefined) this.#observers.events.remember(incident);
    return incident;
  }

  firstRead(signals: readonly Signal[]): FirstRead | undefined {
    return firstRead(this.#table, this.#numbers, signals);
  }

  async admit(
    arrivals: readonly Arrival[],
    receipt: Pick<Receipt, 'at' | 'trace'>,
    { unmatchedIncidents = UNMATCHED_INCIDENTS, timeScale = 1, first }: Parameters<Incidents['admit']>[2] = {},
  ): Promise<Admitted> {
    const { events } = this.#observers;
    const context = {
      table: this.#table,
      clock: this.#clock,
      mint: this.#mint,
      numbers: this.#numbers,
      unmatchedIncidents,
      reopenSeconds: REOPEN_WITHIN_SECONDS / timeScale,
      reopenUnverifiedSeconds: REOPEN_UNVERIFIED_WITHIN_SECONDS / timeScale,
      recoverySeconds: RECOVERY_SECONDS / timeScale,
      repetitionSeconds: REPETITION_RECORDED_SECONDS / timeScale,
      onOpening: (incident: IncidentRecord) => events.remember(incident),
      first,
    };
    const admitted = await admit(context, arrivals, receipt);
    for (const id of admitted.opened) await events.publish(id, 'incident.opened', { actor: 'alerts' });
    return admitted;
  }

  releaseHeld(alert: HeldAlert): Promise<void> {
    return releaseHeld(this.#table, alert, this.#clock.now());
  }

  async declare(input: Parameters<Incidents['declare']>[0]): Promise<{ id: IncidentId; created: boolean }> {
    const { service, environment, severity, by } = input;
    const scope = scopeOf({ service, environment, unmatched: null });
    if (input.id !== undefined && (await this.read(input.id)) !== undefined) return { id: input.id, created: false };
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const [pointer, newest] = await Promise.all([this.#table.get(keys.open(scope)), this.#numbers.newest()]);
      if (pointer) return { id: IncidentId.parse(pointer['incident_id']), created: false };
      const at = this.#clock.now();
      const id = input.id ?? this.#mint(at);
      const opens = this.#numbers.numbered(declaredIncident({ id, at }, input), newest, attempt);
      const result = await this.#table.transact(newIncidentWrites(opens));
      if (result.ok) {
        await this.#observers.events.publish(id, 'incident.opened', { actor: by, severity });
        await this.#observers.counters.add([oneMore('firebreak_incidents_opened_total', 'person')]);
        return { id, created: true };
      }
    }
    throw new Error(
      `an incident of ${service} in ${environment} opened or closed during all ${TRIES} attempts; try again`,
    );
  }

  async note(id: IncidentId, key: string, entry: TimelineEntry): Promise<void> {
    // The mark and the entry are written together; a failed condition means that the entry exists.
    const mark = put({ ...keys.noted(id, key), at: entry.at }, absent);
    const { ok } = await this.#table.transact([
      mark,
      timelineWrite(id, key, entry),
      ...(IS_NOTE.test(entry.kind) ? [update(keys.incident(id), { set: { noted: true } }, present)] : []),
    ]);
    if (ok && IS_FAILURE.test(entry.kind))
      await this.#observers.events.publish(id, 'failure.noted', { action: entry.kind }, entry.text);
    await this.#observers.shown.incident(id);
  }

  async amend(id: IncidentId, amendment: Amend, key?: string): Promise<Amended> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const at = this.#clock.now();
      const incident = await this.read(id);
      const plan = planAmendment(incident, amendment, at);
      if (plan.kind !== 'patch') {
        await this.#observers.shown.incident(id);
        return plan.kind;
      }
      const name = key ?? `amended-${plan.patch.set?.amended}`;
      const result = await this.#table.transact([
        put({ ...keys.noted(id, name), at }, absent),
        patchWrite(id, plan.patch),
        ...(plan.entry === null ? [] : [timelineWrite(id, name, plan.entry)]),
      ]);
      const isKnown = !result.ok && key !== undefined && result.failed.includes(0);
      if (!result.ok && !isKnown) continue;
      if (result.ok && plan.entry !== null) await this.#publishAmendment(id, plan.entry);
      await this.#observers.shown.incident(id);
      return isKnown ? 'as_it_is' : 'done';
    }
    throw new Error(`cannot update incident ${id}: it changed during all ${TRIES} attempts; try again`);
  }

  async #publishAmendment(id: IncidentId, { actor, kind }: TimelineEntry): Promise<void> {
    if (kind.endsWith('.acknowledged')) await this.#observers.events.publish(id, 'incident.acknowledged', { actor });
    else await this.#observers.events.publish(id, 'incident.updated', { actor, action: kind });
  }

  async post(id: IncidentId, message: Message, change: ChangeOfIncident = {}, key?: string): Promise<boolean> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const incident = await this.read(id);
      if (incident === undefined || incident.status === 'resolved') return false;
      const changes = typeof change === 'function' ? change(incident) : change;
      const at = this.#clock.now();
      const expires = expiresAfter(at, RETENTION_DAYS.inbox);
      const once =
        key === undefined ? [] : [put({ ...keys.inboxKey(id, key), seq: incident.seq + 1, ...expires }, absent)];
      const { timeline } = changes;
      const result = await this.#table.transact([
        ...once,
        ...postWrites(inboxPostOf(incident, message, at, changes)),
        ...(timeline !== undefined && IN_AUDIT_LOG.has(timeline.kind)
          ? [incidentAuditWrite(id, `message-${incident.seq + 1}`, { ...timeline, at })]
          : []),
      ]);
      if (result.ok) await this.#publishMessage(id, message);
      else if (once.length === 0 || !result.failed.includes(0)) continue;
      await (OF_GROUP.has(message.kind) ? this.#observers.shown.withGroup(id) : this.#observers.shown.incident(id));
      return true;
    }
    throw new Error(`cannot add a message to incident ${id}: it changed during all ${TRIES} attempts; try again`);
  }

  /** Logs messages that no other event covers. */
  async #publishMessage(id: IncidentId, message: Message): Promise<void> {
    if (message.kind === 'verification')
      await this.#observers.events.publish(id, 'verification.ended', { outcome: message.outcome });
    else if ('by' in message && message.by !== undefined && message.kind !== 'answered')
      await this.#observers.events.publish(id, 'request.made', { actor: message.by, action: message.kind });
  }

  async begin(
    id: IncidentId,
  ): Promise<{ incident: IncidentRecord; unfinished: number[]; runbooks: BegunRunbook[] } | undefined> {
    const [known, together] = await Promise.all([this.read(id), this.#begun(id)]);
    if (known === undefined) return undefined;
    // The run before this one may still write: what it began after it changed the incident must not be missed.
    const { decisions, runbooks } = known.run > 1 ? await this.#begun(id) : together;
    const unfinished = unfinishedOf(decisions, known);
    // The workflow does not need to know who started a run, and when the first alert began or returned. Its checkpoints must stay the same for the
    // same history.
    const { began_at: _began, returned_at: _returned, ...needed } = known;
    return { incident: { ...needed, execution: null }, unfinished, runbooks };
  }

  /** Reads the decisions of an incident, and the runbooks that it follows. */
  async #begun(id: IncidentId): Promise<{ decisions: DecisionEnd[]; runbooks: BegunRunbook[] }> {
    const [decisions, runbooks] = await Promise.all([
      collect(this.#table.each(keys.incident(id).pk, { prefix: 'DEC#' }), decisionEndOf),
      begunRunbooks(this.#table, id),
    ]);
    return { decisions, runbooks };
  }

  async markStarted(id: IncidentId, run: number, execution: string): Promise<void> {
    // A run that has failed may still write, after the next one has started.
    const condition = atMost('started_run', run);
    await this.#table.update(keys.incident(id), { set: { started_run: run, execution } }, { condition });
  }

  async readInbox(id: IncidentId, after: number, callback: string | null): Promise<InboxContent> {
    const registered = callback === null ? undefined : await storeCallback(this.#table, id, 'inbox', callback);
    // A message is written together with the incident's sequence number.
    const isEmpty = registered !== undefined && incidentRecordOf(registered).seq <= after;
    const rows = isEmpty ? [] : await this.#inboxRows(id, after);
    const { messages, unreadable } = readInboxRows(rows);
    // A read that finds nothing leaves the mark to the next read.
    const item =
      messages.length > 0 || callback !== null
        ? await this.#markConsumed(id, messages.at(-1)?.seq ?? after, registered)
        : await this.#table.get(keys.incident(id));
    if (item === undefined) throw new Error(`incident ${id} does not exist`);
    const { firing, severity, status, renotified, last_seen_alerts: lastSeen } = incidentRecordOf(item);
    return {
      messages,
      ...(unreadable && { unreadable }),
      firing,
      ...(lastSeen && { lastSeen }),
      severity,
      status,
      renotified,
      at: this.#clock.now(),
    };
  }

  #inboxRows(id: IncidentId, after: number): Promise<{ seq: number; message: unknown }[]> {
    return collect(
      this.#table.each(keys.incident(id).pk, {
        prefix: 'IN#',
        after: keys.inbox(id, after).sk,
        limit: MESSAGES_MAX,
      }),
      ({ seq, message }) => ({ seq: Number(seq), message }),
    );
  }

  /**
   * Messages that the workflow has read need no sweeper. A failed condition means that newer messages exist: the mark
   * stays.
   *
   * @param item the incident, if it was just read
   * @returns the incident
   */
  async #markConsumed(id: IncidentId, seq: number, item: Item | undefined): Promise<Item | undefined> {
    const marked =
      item?.['consumed_seq'] === seq
        ? item
        : await this.#table.update(keys.incident(id), { set: { consumed_seq: seq } }, { condition: present });
    await this.#table.transact([remove(keys.pending(id), anyOf(absent, atMost('seq', seq)))]);
    return marked;
  }

  async resolve(
    id: IncidentId,
    consumed: number,
    by: string | null,
    text: string,
    warnings = 0,
    { isMeasured = true, isProven, recoveredAt }: NonNullable<Parameters<Incidents['resolve']>[5]> = {},
  ): Promise<'resolved' | 'not_yet'> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const item = await this.#table.get(keys.incident(id));
      const incident = item && incidentRecordOf(item);
      const at = this.#clock.now();
      const resolution = { consumed, by, text, warnings, recoveredAt, isProven };
      const plan = planResolution(incident, resolution, at);
      if (plan.kind !== 'patch') {
        await this.#observers.shown.withGroup(id);
        return plan.kind;
      }
      const result = await this.#table.transact([
        patchWrite(id, plan.patch),
        remove(keys.open(String(item?.['scope'])), equals('incident_id', id)),
        remove(keys.openIncident(id)),
        remove(keys.pending(id)),
        projectionMarkWrite(`incident:${id}`, at),
        // The sweeper does what follows the end, whatever happens to this process.
        ...endedMarks(id, isMeasured).map((key) => put({ ...key, since: at })),
        ...(plan.entry === null ? [] : [timelineWrite(id, 'resolved', plan.entry)]),
      ]);
      if (!result.ok) continue;
      await this.#observers.events.publish(id, 'incident.resolved', { actor: by ?? 'firebreak' });
      await this.#observers.counters.add([
        oneMore('firebreak_incidents_resolved_total', by !== null && isPerson(by) ? 'person' : 'firebreak'),
      ]);
      await this.#observers.shown.withGroup(id);
      return 'resolved';
    }
    return 'not_yet';
  }

  async alertsEndedAt(incident: IncidentRecord, by: string | null): Promise<Timestamp | undefined> {
    if (!endsWithAlerts(incident, by)) return undefined;
    const { id, opened_at, reopened_at: since = opened_at } = incident;
    const entries = this.#table.each(keys.incident(id).pk, { prefix: 'TL#', newestFirst: true }, ENTRIES_READ_AT_ONCE);
    for await (const { kind, at } of entries) {
      const time = Timestamp.parse(at);
      if (time <= since) return undefined;
      if (ALERTS_ENDED.includes(String(kind))) return time;
    }
    return undefined;
  }

  async handOver(id: IncidentId, run: number, text: string, left: HandoverState = {}): Promise<void> {
    const at = this.#clock.now();
    const { patch, entry } = planHandover(run, text, left, at);
    // The mark makes a repetition of the step write nothing.
    await this.#table.transact([
      put({ ...keys.noted(id, `run-${run}`), at }, absent),
      patchWrite(id, patch),
      pendingWrite(id, 0, at),
      timelineWrite(id, `run-${run}`, entry),
    ]);
    await this.#observers.shown.incident(id);
  }

  async skipUnread(id: IncidentId, unread: UnreadableMessage): Promise<void> {
    await this.note(id, `unread-${unread.seq}`, skippedMessageEntry(unread, this.#clock.now()));
  }

  firingEpisodes(id: IncidentId): ReturnType<Incidents['firingEpisodes']> {
    return this.#episodes.firing(id);
  }

  repeatEpisodes(id: IncidentId, episodes: readonly string[]): Promise<void> {
    return this.#episodes.repeat(id, episodes);
  }

  ageEpisodes(id: IncidentId, before: Timestamp): Promise<number> {
    return this.#episodes.age(id, before);
  }

  async reopen(id: IncidentId, { by, note }: { by: string; note: string }): Promise<ReopenResult> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const item = await this.#table.get(keys.incident(id));
      const incident = item && incidentRecordOf(item);
      if (incident === undefined) return { kind: 'unknown' };
      const because = whyNotReopenable(incident);
      if (because !== null) return { kind: 'refused', because };
      const scope = String(item?.['scope']);
      const pointer = await this.#table.get(keys.open(scope));
      if (pointer !== undefined) return { kind: 'other_open', id: IncidentId.parse(pointer['incident_id']) };
      const firing = (await this.#episodes.firing(id)).length;
      const post = planReopening(incident, { by, note, firing }, this.#clock.now());
      const { ok } = await this.#table.transact(reopeningWrites({ id, scope, post }));
      if (!ok) continue;
      await this.#observers.events.publish(id, 'request.made', { actor: by, action: 'reopen' });
      await this.#observers.shown.incident(id);
      return { kind: 'reopened' };
    }
    throw new Error(`cannot reopen incident ${id}: it changed during all ${TRIES} attempts; try again`);
  }

  confirmEpisodes(id: IncidentId, episodes: readonly string[]): Promise<void> {
    return this.#episodes.confirm(id, episodes);
  }

  async endEpisodes(id: IncidentId, episodes: readonly string[], text: string): Promise<void> {
    await this.#episodes.end(id, episodes, text);
    await this.#observers.shown.incident(id);
  }

  async endEvents(id: IncidentId): Promise<void> {
    await this.#episodes.endEvents(id);
    await this.#observers.shown.incident(id);
  }

  async waitForHealth(
    id: IncidentId,
    seq: number,
    waits: NonNullable<IncidentRecord['waits_for_health']>,
  ): Promise<void> {
    // Not if an alert can have fired since.
    const patch = { set: { waits_for_health: waits }, remove: ['recovered_at'], seen: { seq } } as const;
    await this.#table.transact([patchWrite(id, patch)]);
    await this.#observers.shown.incident(id);
  }

  async setMuted(id: IncidentId, text: string | null): Promise<boolean> {
    const { ok } = await this.#table.transact([
      update(
        keys.incident(id),
        { set: { muted: text === null ? null : { text } } },
        text === null ? exists(['muted', 'text']) : differs(['muted', 'text'], text),
      ),
    ]);
    await this.#observers.shown.incident(id);
    return ok;
  }

  async setSimilar(id: IncidentId, similar: readonly SimilarIncident[]): Promise<void> {
    await this.#table.update(keys.incident(id), { set: { similar } });
    await this.#observers.shown.incident(id);
  }

  async setPageContradiction(id: IncidentId, contradiction: PageContradiction): Promise<void> {
    await this.#table.update(keys.incident(id), { set: { page_contradiction: contradiction } });
  }

  async setChannel(id: IncidentId, channel: string, chatId?: string, standIn?: boolean): Promise<void> {
    if (chatId !== undefined) await this.#table.transact([put({ ...keys.channel(chatId), incident_id: id })]);
    await this.#table.update(keys.incident(id), {
      set: { channel, ...(chatId !== undefined && { channel_id: chatId }), ...(standIn && { channel_stand_in: true }) },
      setIfMissing: { channel_opened_at: this.#clock.now() },
    });
  }
}

const decisionEndOf = ({ number, outcome }: Item): DecisionEnd => ({
  number: Number(number),
  outcome: outcome as DecisionEnd['outcome'],
});
