import { isEvent } from '../../domain/alerts/admission.ts';
import { assumedEndPost } from '../../domain/alerts/plan-admission.ts';
import type { Incidents } from '../../domain/ports/incidents.ts';
import type { Clock } from '../../domain/ports/system.ts';
import type { Signal } from '../../schemas/alerts/signal.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import { StoredSignal } from '../../schemas/incidents/stored-records.ts';
import { Timestamp } from '../../schemas/time/time.ts';
import { sha256 } from '../core/hash.ts';
import { signalEnd } from '../alerts/admit.ts';
import { episodeItems, episodeKey, keyOf } from '../alerts/episodes.ts';
import { keys } from '../core/keys.ts';
import { incidentRecordOf } from '../core/record.ts';
import { expiresAfter, RETENTION_DAYS } from '../core/retention.ts';
import { collect, type Table } from '../core/table.ts';
import { equals, type Item, revisionIs, update } from '../../platforms/store.ts';
import { postWrites } from './inbox.ts';

/** Attempts to end an episode while its alert or its incident changes. */
const TRIES = 20;

/** Reads and ends the firing periods of an incident's alerts. */
export class IncidentEpisodes {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async firing(id: IncidentId): ReturnType<Incidents['firingEpisodes']> {
    const all = await collect(this.#table.each(keys.incident(id).pk, { prefix: 'SIG#' }), (item) =>
      StoredSignal.parse(item),
    );
    const signals = all.filter(({ status }) => status === 'firing');
    const [[seen], rows] = await Promise.all([
      this.#table.getAll([keys.seen(id)]),
      episodeItems(this.#table, signals, id),
    ]);
    const found = new Set(Array.isArray(seen?.['episodes']) ? seen['episodes'] : []);
    return signals
      .filter(({ episode }, n) => isFiring(rows[n], episode) && rows[n]?.['incident_id'] === id)
      .map(({ episode, source, fingerprint, labels, severity, title, groupKey = null, links }) => ({
        severity,
        title,
        episode,
        source,
        fingerprint,
        labels,
        groupKey,
        generatorUrl: links.source,
        seen: found.has(shortHash(episode)),
      }));
  }

  async confirm(id: IncidentId, episodes: readonly string[]): Promise<void> {
    if (episodes.length === 0) return;
    await this.#table.update(keys.seen(id), { include: { episodes: episodes.map(shortHash) } });
  }

  async end(id: IncidentId, episodes: readonly string[], text: string): Promise<void> {
    const wanted = new Set(episodes);
    const all = await collect(this.#table.each(keys.incident(id).pk, { prefix: 'SIG#' }), (item) =>
      StoredSignal.parse(item),
    );
    for (const signal of all.filter(({ episode, status }) => status === 'firing' && wanted.has(episode)))
      await this.#endOne(id, signal, text);
  }

  async endEvents(id: IncidentId): Promise<void> {
    const all = await collect(this.#table.each(keys.incident(id).pk, { prefix: 'SIG#' }), (item) =>
      StoredSignal.parse(item),
    );
    const events = all.filter((one) => isEvent(one) && one.status === 'firing');
    const at = events.length === 0 ? undefined : (await this.#incident(id))?.resolved_at;
    if (at == null) return;
    for (const signal of events) {
      const { episode } = signal;
      const listing = signalEnd(id, { ...signal, endsAt: at });
      const newest = update(
        episodeKey(signal),
        { set: { ends_at: at, expires_at: expiresAfter(at, RETENTION_DAYS.episode).expires_at }, add: { rev: 1 } },
        equals('episode', episode),
      );
      const { ok } = await this.#table.transact([listing, newest]);
      if (!ok) await this.#table.transact([listing]); // the alert has fired again since
    }
  }

  async #endOne(id: IncidentId, signal: Signal, text: string): Promise<void> {
    const { episode } = signal;
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const [incident, [row]] = [await this.#incident(id), await episodeItems(this.#table, [signal], id)];
      if (incident === undefined || incident.status === 'resolved' || !isFiring(row, episode)) return;
      const at = this.#clock.now();
      const result = await this.#table.transact([
        update(
          keyOf(row),
          {
            set: {
              status: 'resolved',
              ends_at: at,
              assumed: true,
              rev: Number(row['rev']) + 1,
              expires_at: expiresAfter(at, RETENTION_DAYS.episode).expires_at,
            },
          },
          revisionIs(row['rev']),
        ),
        signalEnd(id, { ...signal, startsAt: Timestamp.parse(row['starts_at']), endsAt: at }),
        ...postWrites(assumedEndPost(incident, episode, text, at)),
      ]);
      if (result.ok) return;
    }
  }

  async #incident(id: IncidentId): Promise<IncidentRecord | undefined> {
    const item = await this.#table.get(keys.incident(id));
    return item && incidentRecordOf(item);
  }
}

/** Short, because one item holds thousands of them. */
const shortHash = (text: string): string => sha256(text).slice(0, 16);

/** Returns whether the episode still fires. If the alert has fired again since, only the newest episode counts. */
const isFiring = (row: Item | undefined, episode: string): row is Item =>
  row?.['status'] === 'firing' && row['episode'] === episode;
