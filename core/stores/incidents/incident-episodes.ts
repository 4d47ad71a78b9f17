import { isEvent } from '../../domain/alerts/admission.ts';
import { assumedEndPost, lastSeenPatch } from '../../domain/alerts/unreported-ends.ts';
import type { Incidents } from '../../domain/ports/incidents.ts';
import type { Clock } from '../../domain/ports/system.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { StoredSignal } from '../../../schemas/incidents/stored-records.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { sha256 } from '../../stores/hash.ts';
import { notifiedAt, signalEnd, signalLastSeen } from '../alerts/admit.ts';
import { episodeItems, episodeKey, keyOf } from '../alerts/episodes.ts';
import { keys } from '../../stores/keys.ts';
import { incidentRecordOf } from '../../stores/record.ts';
import { expiresAfter, RETENTION_DAYS } from '../../stores/retention.ts';
import { collect, type Table } from '../../stores/table.ts';
import { equals, type Item, revisionIs, update } from '../../../platforms/store.ts';
import { patchWrite, postWrites, timelineWrite } from './inbox.ts';

/** Attempts to end an episode while its alert or its incident changes. */
const TRIES = 20;

/** Alerts per transaction: with two items each and a few others, it stays below DynamoDB's limit of 100. */
const AGED_AT_ONCE = 25;

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
    return signals.flatMap((signal, n) => {
      const { episode, source, fingerprint, labels, severity, title, groupKey = null, links } = signal;
      const row = rows[n];
      if (!isFiring(row, episode) || row['incident_id'] !== id) return [];
      const seenThere = found.has(shortHash(episode));
      const one = { severity, title, episode, source, fingerprint, labels, groupKey, generatorUrl: links.source };
      return [{ ...one, seen: seenThere, notifiedAt: notifiedAt(row) }];
    });
  }

  async confirm(id: IncidentId, episodes: readonly string[]): Promise<void> {
    if (episodes.length === 0) return;
    await this.#table.update(keys.seen(id), { include: { episodes: episodes.map(shortHash) } });
  }

  /** Records that these alerts still fire, as if their sender had repeated them. */
  async repeat(id: IncidentId, episodes: readonly string[]): Promise<void> {
    if (episodes.length === 0) return;
    const wanted = new Set(episodes);
    const all = await collect(this.#table.each(keys.incident(id).pk, { prefix: 'SIG#' }), (item) =>
      StoredSignal.parse(item),
    );
    const signals = all.filter(({ episode, status }) => status === 'firing' && wanted.has(episode));
    const rows = await episodeItems(this.#table, signals, id);
    const at = this.#clock.now();
    const set = { notified_at: at, ...expiresAfter(at, RETENTION_DAYS.episode) };
    for (const [n, { episode }] of signals.entries()) {
      const row = rows[n];
      // If it has changed meanwhile, it was repeated.
      if (isFiring(row, episode)) await this.#table.transact([update(keyOf(row), { set }, revisionIs(row['rev']))]);
    }
  }

  async end(id: IncidentId, episodes: readonly string[], text: string): Promise<void> {
    const wanted = new Set(episodes);
    const all = await collect(this.#table.each(keys.incident(id).pk, { prefix: 'SIG#' }), (item) =>
      StoredSignal.parse(item),
    );
    for (const signal of all.filter(({ episode, status }) => status === 'firing' && wanted.has(episode)))
      await this.#endOne(id, signal, text);
  }

  /**
   * Counts firing alerts as last seen that no notification has repeated since `before`. It sends no message: nothing has
   * happened.
   *
   * @returns how many
   */
  async age(id: IncidentId, before: Timestamp): Promise<number> {
    const all = await collect(this.#table.each(keys.incident(id).pk, { prefix: 'SIG#' }), (item) =>
      StoredSignal.parse(item),
    );
    const signals = all.filter((one) => one.status === 'firing' && !isEvent(one));
    const rows = await episodeItems(this.#table, signals, id);
    const old = signals.flatMap((signal, n) => {
      const row = rows[n];
      const isOld = isFiring(row, signal.episode) && row['incident_id'] === id && notifiedAt(row) < before;
      return isOld ? [{ signal, row }] : [];
    });
    let aged = 0;
    for (let first = 0; first < old.length; first += AGED_AT_ONCE) {
      const some = old.slice(first, first + AGED_AT_ONCE);
      if (await this.#ageSome(id, some)) aged += some.length;
    }
    return aged;
  }

  /** @returns whether they were; if an alert or the incident has changed, the next check counts them */
  async #ageSome(id: IncidentId, some: readonly { signal: Signal; row: Item }[]): Promise<boolean> {
    const incident = await this.#incident(id);
    if (incident === undefined || incident.status === 'resolved') return false;
    const at = this.#clock.now();
    const seen = some.map(({ signal, row }) => ({ title: signal.title, episode: signal.episode, at: notifiedAt(row) }));
    const { patch, entry } = lastSeenPatch(incident, seen, at);
    const { ok } = await this.#table.transact([
      ...some.flatMap(({ signal, row }) => [
        update(
          keyOf(row),
          {
            set: {
              status: 'resolved',
              ends_at: notifiedAt(row),
              assumed: true,
              last_seen: true,
              rev: Number(row['rev']) + 1,
            },
          },
          revisionIs(row['rev']),
        ),
        signalLastSeen(id, { ...signal, startsAt: Timestamp.parse(row['starts_at']) }, notifiedAt(row)),
      ]),
      patchWrite(id, patch),
      timelineWrite(id, `last-seen-${incident.last_seen_alerts ?? 0}-${at}`, entry),
    ]);
    return ok;
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
