import { waitingQuestions } from './waiting-questions.ts';
import { scopeOf } from '../../domain/alerts/admission.ts';
import type { AdmittedSignal, SignalView } from '../../domain/ports/alerts.ts';
import type { Page, ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Incidents, IncidentInputs, IncidentSummary } from '../../domain/ports/incidents.ts';
import { viewOf } from '../../domain/incidents/lifecycle.ts';
import type { Overview, Story } from '../../domain/messages/story.ts';
import {
  type IncidentRecord,
  type IncidentView,
  STATUS_FIELDS,
  TimelineEntry,
} from '../../../schemas/incidents/incident.ts';
import { Message } from '../../../schemas/incidents/inbox.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { StoredDecision, StoredEffect, StoredIncident } from '../../../schemas/incidents/stored-records.ts';
import { admittedSignalIn, listedSignalIn, muteIn } from '../alerts/admit.ts';
import { childIncidentsOf } from './incident-groups.ts';
import { type Key, keys, pendingShards, shardedLists } from '../../stores/keys.ts';
import { incidentWithNumber } from './incident-numbers.ts';
import { openIncidents, openIncidentsPage } from './open-incidents.ts';
import { incidentRecordOf } from '../../stores/record.ts';
import { firstIncidentId } from '../../stores/ids.ts';
import { overviewOf, storyOf } from './story.ts';
import { pointedPage, shardedPage } from '../../stores/sharded.ts';
import { collect, type Table } from '../../stores/table.ts';
import type { Item } from '../../../platforms/store.ts';
import { readInhibitors, recordInhibitors } from '../alerts/inhibitors.ts';
import { alertsWithoutIncident, mutedAlerts } from '../alerts/lists.ts';
import { heldAlerts } from '../alerts/held.ts';

/** Incidents that one search looks through. */
const SEARCHED_MAX = 2000;

const StoredSummary = StoredIncident.pick({
  id: true,
  number: true,
  service: true,
  environment: true,
  unmatched: true,
  title: true,
  severity: true,
  ...STATUS_FIELDS,
  opened_at: true,
  parent_id: true,
  group_reason: true,
  group_rollback: true,
  by_hand: true,
  firing: true,
  pages: true,
  paged: true,
  handling: true,
  roles: true,
  mitigations: true,
  last_requests: true,
  automation_paused: true,
  page_contradiction: true,
});

/** Reads incidents, with their signals, timeline, and messages. `IncidentTable` adds the writes. */
export class IncidentReads {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async read(id: IncidentId): Promise<IncidentRecord | undefined> {
    const item = await this.#table.get(keys.incident(id));
    return item && incidentRecordOf(item);
  }

  withNumber(number: number): Promise<IncidentId | undefined> {
    return incidentWithNumber(this.#table, number);
  }

  /** Reads decisions and effects before the incident, so that the incident includes the changes they caused. */
  async view(id: IncidentId): Promise<IncidentView | undefined> {
    const [decisions, effects] = await Promise.all([
      collect(this.#table.each(keys.incident(id).pk, { prefix: 'DEC#' }), (item) => StoredDecision.parse(item)),
      collect(this.#table.each(keys.incident(id).pk, { prefix: 'EFF#' }), (item) => StoredEffect.parse(item)),
    ]);
    const incident = await this.read(id);
    if (incident === undefined) return undefined;
    return viewOf(incident, {
      channel: incident.channel ?? (await this.#channelOf(incident.parent_id)),
      children: incident.group_reason === undefined ? null : await childIncidentsOf(this.#table, id),
      decisions,
      effects,
    });
  }

  async list(query: Parameters<Incidents['list']>[0]): Promise<Page<IncidentView>> {
    const page = await this.#items(query);
    const items = await Promise.all(page.items.map((item) => this.view(IncidentId.parse(item['id']))));
    // The index can be a moment behind, so check the condition on the item.
    const matches = (shown: IncidentView | undefined): shown is IncidentView =>
      shown !== undefined && (query.status === undefined || shown.status === query.status);
    return { items: items.filter(matches), next_cursor: page.next_cursor };
  }

  /** Uses the smallest index: there are few open incidents, and few of one service. */
  async #items({ status, service, environment, ...query }: Parameters<Incidents['list']>[0]): Promise<Page<Item>> {
    const list = shardedLists.incidents;
    const isWanted = (item: Item): boolean =>
      [
        [item['status'], status],
        [item['service'], service],
        [item['environment'], environment],
      ].every(([value, wanted]) => wanted === undefined || value === wanted);
    if (status !== undefined && status !== 'resolved') return openIncidentsPage(this.#table, query, isWanted);
    if (service === undefined) return shardedPage(this.#table, list, query, isWanted);
    const to = ({ sk }: Item): Key => keys.incident(IncidentId.parse(sk));
    return pointedPage(this.#table, { list, pk: keys.incidentsOf(service).pk, to }, query, isWanted);
  }

  /** Incidents of a group share a channel. */
  async #channelOf(parent: IncidentId | undefined): Promise<string | null> {
    return parent === undefined ? null : ((await this.read(parent))?.channel ?? null);
  }

  async signals(id: IncidentId, query: Parameters<Incidents['signals']>[1]): Promise<Page<SignalView>> {
    const page = await this.#part(id, 'SIG#', query);
    return {
      ...page,
      items: page.items.map((item) => {
        const mute = muteIn(item);
        const first_seen_at = Timestamp.parse(item['first_seen_at']);
        const { pages } = item;
        return {
          ...listedSignalIn(item),
          first_seen_at,
          ...(mute && { mute }),
          ...(typeof pages === 'boolean' && { pages }),
        };
      }),
    };
  }

  async inputs(id: IncidentId, limit: number, maxBytes = Infinity): Promise<IncidentInputs> {
    const { pk } = keys.incident(id);
    const [signals, messages] = await Promise.all([
      this.#admittedSignals(pk, limit, maxBytes),
      collect(this.#table.each(pk, { prefix: 'IN#' }), ({ seq, at, message }) => ({ seq: Number(seq), at, message })),
    ]);
    return {
      ...signals,
      messages: messages.flatMap(({ seq, at, message }) => {
        const read = Message.safeParse(message);
        return read.success ? [{ seq, at: Timestamp.parse(at), message: read.data }] : [];
      }),
    };
  }

  async #admittedSignals(
    pk: string,
    limit: number,
    maxBytes: number,
  ): Promise<Pick<IncidentInputs, 'signals' | 'truncated'>> {
    const signals: AdmittedSignal[] = [];
    let bytes = 0;
    for await (const item of this.#table.each(pk, { prefix: 'SIG#', limit: limit + 1 })) {
      if (maxBytes < Infinity) bytes += Buffer.byteLength(JSON.stringify({ ...item, annotations: [] }));
      if (signals.length === limit || bytes > maxBytes) return { signals, truncated: true };
      signals.push(admittedSignalIn(item));
    }
    return { signals, truncated: false };
  }

  async timeline(id: IncidentId, query: { limit: number; cursor?: string }): Promise<Page<TimelineEntry>> {
    const page = await this.#part(id, 'TL#', query);
    return { ...page, items: page.items.map((item) => TimelineEntry.parse({ detail: null, ...item })) };
  }

  #part(id: IncidentId, prefix: string, query: Parameters<Incidents['signals']>[1]): Promise<Page<Item>> {
    return this.#table.page({ pk: keys.incident(id).pk, prefix }, query);
  }

  async overview(id: IncidentId): Promise<Overview | undefined> {
    return overviewOf(this.#table, id);
  }

  async story(id: IncidentId, after: string | null): Promise<Story | undefined> {
    return storyOf(this.#table, id, after);
  }

  async inChannel(chatId: string): Promise<IncidentId | undefined> {
    const row = await this.#table.get(keys.channel(chatId));
    return row && IncidentId.parse(row['incident_id']);
  }

  async openAt({ service, environment }: ServiceEnvironment): Promise<IncidentRecord | undefined> {
    const pointer = await this.#table.get(keys.open(scopeOf({ service, environment, unmatched: null })));
    return pointer && this.read(IncidentId.parse(pointer['incident_id']));
  }

  async open(): Promise<IncidentRecord[]> {
    return (await openIncidents(this.#table)).map(incidentRecordOf);
  }

  async openSummaries(): Promise<IncidentSummary[]> {
    const items = await openIncidents(this.#table);
    const questions = await waitingQuestions(this.#table, items);
    return items.map((item) => {
      const summary = StoredSummary.parse(item);
      return { ...summary, questions: questions.get(summary.id) ?? 0 };
    });
  }

  async recent({ since, ...query }: Parameters<Incidents['recent']>[0]): ReturnType<Incidents['recent']> {
    const page = await this.#items(query);
    const items = page.items.map(incidentRecordOf).filter(({ opened_at }) => opened_at >= since);
    return { items, isComplete: page.next_cursor === null || items.length < page.items.length };
  }

  async search({
    state,
    since,
    matches,
    ...query
  }: Parameters<Incidents['search']>[0]): ReturnType<Incidents['search']> {
    const list = shardedLists.incidents;
    const found = new Map<Item, IncidentRecord>();
    const keep = (item: Item): boolean => {
      if (state !== undefined && (item['status'] === 'resolved') !== (state === 'resolved')) return false;
      const incident = incidentRecordOf(item);
      if ((since !== undefined && incident.opened_at < since) || !matches(incident)) return false;
      found.set(item, incident);
      return true;
    };
    const page =
      state === 'open'
        ? await openIncidentsPage(this.#table, query, keep)
        : await shardedPage(this.#table, list, query, keep, {
            read: SEARCHED_MAX,
            ...(since !== undefined && { from: firstIncidentId(since) }),
          });
    return { ...page, items: page.items.flatMap((item) => found.get(item) ?? []) };
  }

  async pending(before: Timestamp): Promise<IncidentId[]> {
    const rows = await Promise.all(pendingShards.map((pk) => collect(this.#table.each(pk), (item) => item)));
    return rows
      .flat()
      .filter((row) => String(row['since']) < before)
      .map((row) => IncidentId.parse(row['sk']));
  }

  alertsWithoutIncident(
    query: Parameters<Incidents['alertsWithoutIncident']>[0],
  ): ReturnType<Incidents['alertsWithoutIncident']> {
    return alertsWithoutIncident(this.#table, query);
  }

  held(now: Timestamp): ReturnType<Incidents['held']> {
    return heldAlerts(this.#table, now);
  }

  muted(): ReturnType<Incidents['muted']> {
    return mutedAlerts(this.#table);
  }

  recordInhibitors(...[alerts, now]: Parameters<Incidents['recordInhibitors']>): Promise<void> {
    return recordInhibitors(this.#table, alerts, now);
  }

  inhibitors(...[groups, now]: Parameters<Incidents['inhibitors']>): ReturnType<Incidents['inhibitors']> {
    return readInhibitors(this.#table, groups, now);
  }
}
