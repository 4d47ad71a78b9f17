import { blankIncident } from '../../../core/domain/incidents/new-incident.ts';
import type { Incidents } from '../../../core/domain/ports/incidents.ts';
import type { Overview, Story, StoryEntry } from '../../../core/domain/messages/story.ts';
import type { DecisionView, Effect, IncidentRecord, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { signal } from '../../support/signals.ts';
import type { SimulatedClock } from './simulated-clock.ts';

/** Delay of the list of open incidents. */
const INDEX_LAGS_MS = 3000;

export type Dossier = {
  /** Earlier states, by the time of each change. */
  records: { at: number; record: IncidentRecord }[];
  decisions: DecisionView[];
  effects: Effect[];
  signals: Signal[];
  timeline: (StoryEntry & { writtenAt: number })[];
};

type Shown = Pick<Incidents, 'read' | 'story' | 'note' | 'setChannel' | 'open'>;

/** In-memory incidents for projectors. */
export class MemoryIncidents implements Shown {
  readonly dossiers = new Map<IncidentId, Dossier>();
  readonly #clock: SimulatedClock;
  readonly #changed: (subject: Subject) => Promise<void>;
  /** Page size of the timeline. */
  readonly #page: number;

  constructor(clock: SimulatedClock, page: number, changed: (subject: Subject) => Promise<void>) {
    this.#clock = clock;
    this.#page = page;
    this.#changed = changed;
  }

  begin(id: IncidentId, more: Partial<IncidentRecord>): void {
    const first = signal({ links: { runbook: 'https://wiki.example/checkout', dashboard: null, source: null } });
    this.dossiers.set(id, { records: [], decisions: [], effects: [], signals: [first], timeline: [] });
    this.set(id, {
      ...blankIncident,
      callbacks: {},
      suspects: [],
      id,
      service: first.service,
      environment: first.environment,
      title: `${ALERT} <!channel>`,
      severity: 'critical',
      opened_at: this.#clock.now(),
      signal_count: 1,
      firing: 1,
      trace: 'trace',
      ...more,
    });
    this.write(id, 'opened', { kind: 'incident.opened', text: ALERT });
  }

  of(id: IncidentId): Dossier {
    const found = this.dossiers.get(id);
    if (found === undefined) throw new Error(`there is no incident ${id}`);
    return found;
  }

  now(id: IncidentId): IncidentRecord {
    const last = this.of(id).records.at(-1);
    if (last === undefined) throw new Error(`there is no incident ${id}`);
    return last.record;
  }

  set(id: IncidentId, record: IncidentRecord): void {
    this.of(id).records.push({ at: this.#clock.millis, record });
  }

  /** Adds an entry once by its key, possibly later than its timestamp. */
  write(id: IncidentId, key: string, entry: Partial<TimelineEntry>): void {
    const { timeline } = this.of(id);
    if (timeline.some(({ position }) => position.endsWith(`#${key}`))) return;
    const whole = { at: this.#clock.now(), actor: 'firebreak', kind: 'note', text: key, detail: null, ...entry };
    timeline.push({ position: `TL#${whole.at}#${key}`, entry: whole, writtenAt: this.#clock.millis });
    timeline.sort((a, b) => (a.position < b.position ? -1 : 1));
  }

  async read(id: IncidentId): Promise<IncidentRecord | undefined> {
    return this.dossiers.has(id) ? this.now(id) : undefined;
  }

  async overview(id: IncidentId): Promise<Overview | undefined> {
    const story = await this.story(id, null);
    if (story === undefined) return undefined;
    const { timeline: _timeline, ...overview } = story;
    return overview;
  }

  async story(id: IncidentId, after: string | null): Promise<Story | undefined> {
    if (!this.dossiers.has(id)) return undefined;
    const { decisions, effects, signals, timeline } = this.of(id);
    const incident = this.now(id);
    const wanted = timeline.filter(({ position }) => after === null || position > after).slice(0, this.#page);
    return structuredClone({
      incident,
      decisions,
      effects,
      signals: signals.toSorted((a, b) => Number(a.status === 'resolved') - Number(b.status === 'resolved')),
      timeline: wanted.map(({ position, entry }) => ({ position, entry })),
      children: [],
      childCount: 0,
      parent: incident.parent_id === undefined ? null : { id: incident.parent_id, channel: null },
    });
  }

  async note(id: IncidentId, key: string, entry: TimelineEntry): Promise<void> {
    this.write(id, key, entry);
    await this.#changed(`incident:${id}`);
  }

  async setChannel(id: IncidentId, channel: string, _chatId?: string, standIn?: boolean): Promise<void> {
    this.set(id, { ...this.now(id), channel, ...(standIn && { channel_stand_in: true as const }) });
  }

  async open(): Promise<IncidentRecord[]> {
    const then = this.#clock.millis - INDEX_LAGS_MS;
    return [...this.dossiers.values()]
      .flatMap(({ records }) => records.findLast(({ at }) => at <= then)?.record ?? [])
      .filter(({ status }) => status !== 'resolved');
  }
}

/** Title of alerts, which must not be published. */
export const ALERT = 'HighErrorRatio of checkout';
