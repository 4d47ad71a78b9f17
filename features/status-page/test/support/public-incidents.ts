import type { PublicIncidents } from '../../types.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import type { PublicIncident } from '../../schemas/public-incident.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';

/** In-memory public incidents. */
export class MemoryPublicIncidents implements PublicIncidents {
  readonly all = new Map<string, PublicIncident>();
  readonly since = new Map<string, Timestamp>();
  /** Number of reads, and whether they fail. */
  reads = 0;
  broken = false;

  constructor(...incidents: readonly PublicIncident[]) {
    for (const one of incidents) this.all.set(one.id, one);
  }

  idOf(incident: IncidentId): string {
    return `public-${incident}`;
  }

  async read(id: string): Promise<PublicIncident | undefined> {
    this.#count();
    return this.all.get(id);
  }

  async write(incident: PublicIncident): Promise<void> {
    this.all.set(incident.id, incident);
  }

  async open(): Promise<PublicIncident[]> {
    this.#count();
    return this.#newestFirst().filter(({ resolved_at }) => resolved_at === null);
  }

  async startedIn(month: string): Promise<PublicIncident[]> {
    this.#count();
    return this.#newestFirst().filter(({ started_at }) => started_at.startsWith(month));
  }

  async watchedSince(): Promise<ReadonlyMap<string, Timestamp>> {
    this.#count();
    return this.since;
  }

  async watch(components: readonly string[], since: Timestamp): Promise<void> {
    for (const component of components) if (!this.since.has(component)) this.since.set(component, since);
  }

  #newestFirst(): PublicIncident[] {
    return [...this.all.values()].toSorted((a, b) => (a.started_at > b.started_at ? -1 : 1));
  }

  #count(): void {
    this.reads += 1;
    if (this.broken) throw new Error('the table cannot be read');
  }
}

export const at = (text: string): Timestamp => new Date(text).toISOString() as Timestamp;

/** Returns a public incident of Checkout that lasted from 12:00 to 13:00. */
export const publicIncident = (more: Partial<PublicIncident> = {}): PublicIncident => {
  const started_at = more.started_at ?? at('2026-11-20T12:00:00Z');
  const resolved_at = more.resolved_at === undefined ? at('2026-11-20T13:00:00Z') : more.resolved_at;
  return {
    id: 'a1b2c3d4e5f6',
    title: 'Problems with {components}',
    components: ['Checkout'],
    started_at,
    published_at: started_at,
    resolved_at,
    states: [
      { at: started_at, state: 'major_outage' },
      ...(resolved_at === null ? [] : [{ at: resolved_at, state: 'operational' as const }]),
    ],
    updates: [
      { at: started_at, status: 'investigating', text: 'We are looking into {components}.', state: 'major_outage' },
      ...(resolved_at === null
        ? []
        : [{ at: resolved_at, status: 'resolved' as const, text: 'Over.', state: 'operational' as const }]),
    ],
    ...more,
  };
};
