import { alertKeyOf, type Arrival, closeOf, isEvent, scopeOf } from '../../../domain/alerts/admission.ts';
import { assumedEndPost, planAdmission } from '../../../domain/alerts/plan-admission.ts';
import { isReassignable, type Slots, SHARED_SCOPE, targetOf } from '../../../domain/alerts/unmatched.ts';
import { skippedMessageEntry } from '../../../domain/alerts/unread.ts';
import { withoutCleared } from '../../../domain/changes/cleared-suspects.ts';
import {
  childOf,
  planHandover,
  planAmendment,
  planResolution,
  unfinishedOf,
  viewOf,
} from '../../../domain/incidents/lifecycle.ts';
import { declaredIncident } from '../../../domain/incidents/new-incident.ts';
import { inboxPostOf } from '../../../domain/incidents/inbox-post.ts';
import type { Overview, Story } from '../../../domain/messages/story.ts';
import type { Receipt } from '../../../domain/ports/alerts.ts';
import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import type {
  Admitted,
  Amend,
  Amended,
  ChangeOfIncident,
  Incidents,
  HandoverState,
  InboxContent,
  IncidentInputs,
} from '../../../domain/ports/incidents.ts';
import { UNMATCHED_INCIDENTS } from '../../../schemas/alerts/routes.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type {
  IncidentRecord,
  IncidentView,
  PageContradiction,
  TimelineEntry,
} from '../../../schemas/incidents/incident.ts';
import type { SimilarIncident } from '../../../schemas/incidents/similar.ts';
import { Message, readInboxRows, type UnreadableMessage } from '../../../schemas/incidents/inbox.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { partsOf } from './groups.ts';
import { begunOf } from './runbooks.ts';
import { copy, type FakeStore } from './store.ts';

type Reception = Pick<Receipt, 'at' | 'trace'>;

const recordOf = (record: IncidentRecord): IncidentRecord => withoutCleared(copy(record));

export class FakeIncidents implements Incidents {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  /** Admits one arrival after the other: each one sees the results of those before it. */
  async admit(
    arrivals: readonly Arrival[],
    reception: Reception,
    max: number = UNMATCHED_INCIDENTS,
  ): Promise<Admitted> {
    const all = arrivals.map((arrival) => this.#admit(arrival, reception, max));
    const sum = (count: keyof Admitted['counts']): number =>
      all.reduce((total, { counts }) => total + counts[count], 0);
    return {
      wake: [...new Set(all.flatMap(({ wake }) => wake))],
      opened: all.flatMap(({ opened }) => opened),
      withoutIncident: all.flatMap(({ withoutIncident: apart }) => apart),
      counts: { opened: sum('opened'), joined: sum('joined'), recorded: sum('recorded'), known: sum('known') },
    };
  }

  #admit(arrival: Arrival, { at: receivedAt, trace }: Reception, max: number): Admitted {
    const store = this.#store;
    const { signal, mute } = arrival;
    const at = store.clock.now();
    const key = alertKeyOf(signal);
    const alert = store.episodes.get(key);
    const knownIn = alert?.incidentId ?? null;
    const scope = scopeOf(signal);
    const target =
      signal.unmatched === null
        ? { scope, incident: store.openIncident(scope)?.record, mayOpen: true }
        : targetOf(this.#places(scope, max), arrival, knownIn);
    const closed = new Map(knownIn === null ? [] : [[knownIn, closeOf(store.dossier(knownIn).record)]]);
    const plan = planAdmission({ at, receivedAt, trace, target, alerts: [alert], closed, newId: store.nextId }, [
      arrival,
    ]);
    const { incident, alerts } = plan;
    const [next] = alerts;
    if (next) store.episodes.set(key, { ...next, mute: next.muted ? mute : null, receivedAt: at, signal });
    if (incident.kind === 'opens') store.begin(incident.opens);
    if (incident.kind === 'opens' && incident.slots !== null) store.places = incident.slots;
    if (incident.kind === 'joins' && incident.post !== null) store.post(incident.post);
    if (incident.kind === 'known' && incident.renotified !== null)
      store.dossier(incident.renotified).record.renotified += 1;
    const [id] = plan.admitted.wake;
    if (id !== undefined) {
      const { signals } = store.dossier(id);
      for (const one of plan.listed)
        signals.set(listKey(one), { ...one, first_seen_at: at, received_at: receivedAt, ...(mute && { mute }) });
      for (const end of plan.ended) this.#endSignal(id, end, end.endsAt);
    }
    return plan.admitted;
  }

  #places(scope: string, max: number): Slots {
    const store = this.#store;
    const at = store.clock.now();
    const open = [scope, SHARED_SCOPE].flatMap((one): [string, IncidentRecord][] => {
      const dossier = store.openIncident(one);
      return dossier === undefined ? [] : [[one, dossier.record]];
    });
    const free = store.places.filter(
      (place) => isReassignable(place, at) && store.dossier(place.incident).record.status === 'resolved',
    );
    return { taken: store.places, free, max, open: new Map(open) };
  }

  #endSignal(id: IncidentId, which: { startsAt: Timestamp; episode: string }, endsAt: Timestamp): void {
    const { signals } = this.#store.dossier(id);
    const listed = signals.get(listKey(which));
    if (listed !== undefined) signals.set(listKey(which), { ...listed, status: 'resolved', endsAt });
  }

  async inputs(id: IncidentId, limit: number): Promise<IncidentInputs> {
    const { signals, inbox } = this.#store.dossier(id);
    const all = [...signals].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, signal]) => signal);
    return copy({
      signals: all.slice(0, limit),
      truncated: all.length > limit,
      messages: inbox.flatMap(({ seq, at, message }) => {
        const read = Message.safeParse(message);
        return read.success ? [{ seq, at, message: read.data }] : [];
      }),
    });
  }

  async declare(input: Parameters<Incidents['declare']>[0]): Promise<{ id: IncidentId; created: boolean }> {
    const { open, nextId: id, clock } = this.#store;
    const plan = declaredIncident({ id, at: clock.now() }, input);
    const known = open.get(plan.scope);
    return known === undefined ? { id: this.#store.begin(plan), created: true } : { id: known, created: false };
  }

  async read(id: IncidentId): Promise<IncidentRecord | undefined> {
    const record = this.#store.dossiers.get(id)?.record;
    return record && recordOf(record);
  }

  async view(id: IncidentId): Promise<IncidentView | undefined> {
    const dossier = this.#store.dossiers.get(id);
    if (dossier === undefined) return undefined;
    const { record, decisions, effects } = dossier;
    const parent = record.parent_id && this.#store.dossiers.get(record.parent_id);
    return copy(
      viewOf(recordOf(record), {
        channel: record.channel ?? (parent && parent.record.channel) ?? null,
        children: record.group_reason === undefined ? null : partsOf(this.#store, id),
        decisions: [...decisions.values()].map(({ view }) => view),
        effects: [...effects.values()],
      }),
    );
  }

  async list(): ReturnType<Incidents['list']> {
    const views = await Promise.all([...this.#store.dossiers.keys()].toReversed().map((id) => this.view(id)));
    return { items: views.filter((view) => view !== undefined), next_cursor: null };
  }

  async recent({ since, limit, service }: Parameters<Incidents['recent']>[0]): ReturnType<Incidents['recent']> {
    const all = [...this.#store.dossiers.values()]
      .map(({ record }) => recordOf(record))
      .filter((one) => one.opened_at >= since && (service === undefined || one.service === service))
      .toSorted((a, b) => (a.id < b.id ? 1 : -1));
    return { items: all.slice(0, limit), isComplete: all.length <= limit };
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
    const plan = planAmendment(dossier && copy(dossier.record), amend, this.#store.clock.now());
    if (plan.kind !== 'patch' || dossier === undefined) return plan.kind === 'patch' ? 'unknown' : plan.kind;
    if (key !== undefined && dossier.keys.has(`note ${key}`)) return 'as_it_is';
    if (key !== undefined) dossier.keys.add(`note ${key}`);
    this.#store.patch(id, plan.patch);
    if (plan.entry !== null) dossier.timeline.push(copy(plan.entry));
    return 'done';
  }

  async post(id: IncidentId, message: Message, change: ChangeOfIncident = {}, key?: string): Promise<boolean> {
    const dossier = this.#store.dossiers.get(id);
    if (dossier === undefined || dossier.record.status === 'resolved') return false;
    if (key !== undefined && dossier.keys.has(`mail ${key}`)) return true;
    if (key !== undefined) dossier.keys.add(`mail ${key}`);
    const changes = typeof change === 'function' ? change(copy(dossier.record)) : change;
    this.#store.post(inboxPostOf(dossier.record, message, this.#store.clock.now(), changes));
    return true;
  }

  async begin(id: IncidentId, run: number, execution: string): ReturnType<Incidents['begin']> {
    const dossier = this.#store.dossiers.get(id);
    if (dossier === undefined) return undefined;
    const known = dossier.record;
    dossier.record = { ...known, started_run: run, execution };
    const ends = [...dossier.decisions].map(([number, { outcome, asked }]) => ({
      number,
      outcome: asked ? ('asked' as const) : outcome,
    }));
    const incident = recordOf({ ...known, started_run: run, execution: null });
    return { incident, unfinished: unfinishedOf(ends, known), runbooks: begunOf(dossier) };
  }

  async readInbox(id: IncidentId, after: number, bell: string | null): Promise<InboxContent> {
    const dossier = this.#store.dossier(id);
    if (bell !== null) dossier.record.callbacks = { ...dossier.record.callbacks, inbox: bell };
    const rows = dossier.inbox.filter(({ seq }) => seq > after).slice(0, 100);
    const { messages, unreadable } = readInboxRows(rows, this.#store.knows);
    const consumed = messages.at(-1)?.seq ?? after;
    dossier.record.consumed_seq = consumed;
    if ((this.#store.pending.get(id)?.seq ?? 0) <= consumed) this.#store.pending.delete(id);
    const { firing, severity, status, renotified } = dossier.record;
    return copy({
      messages,
      ...(unreadable && { unreadable }),
      firing,
      severity,
      status,
      renotified,
      at: this.#store.clock.now(),
    });
  }

  async resolve(
    id: IncidentId,
    consumed: number,
    by: string | null,
    text: string,
    warnings = 0,
  ): Promise<'resolved' | 'not_yet'> {
    const dossier = this.#store.dossiers.get(id);
    const plan = planResolution(dossier?.record, { consumed, by, text, warnings }, this.#store.clock.now());
    if (plan.kind !== 'patch' || dossier === undefined) return plan.kind === 'patch' ? 'resolved' : plan.kind;
    this.#store.patch(id, plan.patch);
    if (plan.entry !== null) dossier.timeline.push(plan.entry);
    this.#store.open.delete(dossier.scope);
    this.#store.pending.delete(id);
    this.#store.postmortemsDue.set(id, this.#store.clock.now());
    return 'resolved';
  }

  async handOver(id: IncidentId, run: number, text: string, left: HandoverState = {}): Promise<void> {
    const { patch, entry } = planHandover(run, text, left, this.#store.clock.now());
    this.#store.patch(id, patch);
    this.#store.pend(id, 0);
    await this.note(id, `run-${run}`, entry);
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

  async skipUnread(id: IncidentId, unread: UnreadableMessage): Promise<void> {
    await this.note(id, `unread-${unread.seq}`, skippedMessageEntry(unread, this.#store.clock.now()));
  }

  async confirmEpisodes(id: IncidentId, episodes: readonly string[]): Promise<void> {
    for (const episode of episodes) this.#store.dossier(id).seen.add(episode);
  }

  async endEpisodes(id: IncidentId, episodes: readonly string[], text: string): Promise<void> {
    const dossier = this.#store.dossier(id);
    const endsAt = this.#store.clock.now();
    for (const [alert, row] of this.#store.episodes) {
      const { episode } = row;
      if (!episodes.includes(episode) || row.status !== 'firing' || dossier.record.status === 'resolved') continue;
      this.#store.episodes.set(alert, { ...row, status: 'resolved', endsAt, assumed: true });
      this.#endSignal(id, row, endsAt);
      this.#store.post(assumedEndPost(dossier.record, episode, text, endsAt));
    }
  }

  async endEvents(id: IncidentId): Promise<void> {
    const { record, signals } = this.#store.dossier(id);
    const { resolved_at: endsAt } = record;
    if (endsAt === null) return;
    for (const signal of signals.values()) {
      const row = this.#store.episodes.get(alertKeyOf(signal));
      if (!isEvent(signal) || signal.status === 'resolved' || row === undefined) continue;
      this.#endSignal(id, signal, endsAt);
      if (row.episode === signal.episode) this.#store.episodes.set(alertKeyOf(signal), { ...row, endsAt });
    }
  }

  async pending(before: Timestamp): Promise<IncidentId[]> {
    return [...this.#store.pending].filter(([, { since }]) => since < before).map(([id]) => id);
  }

  async openAt({ service, environment }: ServiceEnvironment): Promise<IncidentRecord | undefined> {
    const dossier = this.#store.openIncident(scopeOf({ service, environment, unmatched: null }));
    return dossier && recordOf(dossier.record);
  }

  async open(): Promise<IncidentRecord[]> {
    return [...this.#store.open.values()].map((id) => recordOf(this.#store.dossier(id).record));
  }

  async overview(id: IncidentId): Promise<Overview | undefined> {
    const story = await this.story(id, null);
    if (story === undefined) return undefined;
    const { timeline: _timeline, ...overview } = story;
    return overview;
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
        .map((entry, index) => ({ position: String(index).padStart(10, '0'), entry }))
        .filter(({ position }) => after === null || position > after),
      children: [...children.keys()].map((child) => childOf(this.#store.dossier(child).record)),
      childCount: children.size,
      parent: parent ? { id: parent.id, channel: parent.channel ?? null } : null,
    });
  }

  async setMuted(id: IncidentId, text: string | null): Promise<boolean> {
    const { record } = this.#store.dossier(id);
    if ((record.muted?.text ?? null) === text) return false;
    record.muted = text === null ? null : { text };
    return true;
  }

  async setSimilar(id: IncidentId, similar: readonly SimilarIncident[]): Promise<void> {
    this.#store.dossier(id).record.similar = copy([...similar]);
  }

  async setPageContradiction(id: IncidentId, contradiction: PageContradiction): Promise<void> {
    this.#store.dossier(id).record.page_contradiction = contradiction;
  }

  async setChannel(id: IncidentId, channel: string, chatId?: string, standIn?: boolean): Promise<void> {
    const { record } = this.#store.dossier(id);
    if (standIn) record.channel_stand_in = true;
    record.channel = channel;
    record.channel_opened_at ??= this.#store.clock.now();
    if (chatId === undefined) return;
    record.channel_id = chatId;
    this.#store.channels.set(chatId, id);
  }

  async inChannel(chatId: string): Promise<IncidentId | undefined> {
    return this.#store.channels.get(chatId);
  }

  async alertsWithoutIncident({
    muted: wanted,
    limit,
  }: Parameters<Incidents['alertsWithoutIncident']>[0]): ReturnType<Incidents['alertsWithoutIncident']> {
    const all = [...this.#store.episodes.values()]
      .filter(({ incidentId, muted }) => incidentId === null && muted === wanted)
      .toSorted((a, b) => (a.receivedAt < b.receivedAt ? 1 : -1))
      .map(({ signal, mute, receivedAt, firedAt }) => ({
        signal: { ...signal, first_seen_at: receivedAt },
        mute,
        firedAt,
      }));
    return copy({ items: all.slice(0, limit), next_cursor: null });
  }

  async muted(): ReturnType<Incidents['muted']> {
    const muted = [...this.#store.episodes.values()].filter((episode) => episode.muted);
    return copy(muted.flatMap(({ signal, mute }) => (mute === null ? [] : [{ signal, mute }])));
  }
}

const listKey = ({ startsAt, episode }: { startsAt: Timestamp; episode: string }): string => `${startsAt}#${episode}`;
