import { isEvent, reportKeyOf } from '../../domain/alerts/admission.ts';
import {
  type AlertNotice,
  type AlertNoticeEntry,
  type AlertNotices,
  SAME_ROUND_SECONDS,
} from '../../domain/messages/alert-notices.ts';
import { SHARED_ENVIRONMENT } from '../../domain/alerts/unmatched.ts';
import { TicketTarget } from '../../../schemas/alerts/routes.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { millisOf, secondsBetween, Timestamp } from '../../../schemas/time/time.ts';
import { StoredSignal } from '../../../schemas/incidents/stored-records.ts';
import { canonicalJson, sha256 } from '../../stores/hash.ts';
import { keys } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import { absent, anyOf, below, type Item, put } from '../../../platforms/store.ts';

/** Alerts of a round to read; more are only counted by their keys, which is enough for a notice. */
const ALERTS_READ = 200;

const TITLE_OF_UNMATCHED = 'Alerts of services outside the catalogue';

/** Retention of an alert in a notice. */
const RETENTION_SECONDS = 14 * 24 * 3600;

/** Stores alert notices and tickets: a head item for each, and an item for each of its alerts. */
export class AlertNoticeTable implements AlertNotices {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async record(entries: readonly AlertNoticeEntry[], at: Timestamp): Promise<Subject[]> {
    const changed: Subject[] = [];
    for (const [id, own] of Map.groupBy(entries, noticeId)) {
      const [first] = own;
      if (first !== undefined && (await this.#recordEntries(id, own, at))) changed.push(`${first.kind}:${id}`);
    }
    return changed;
  }

  /**
   * Returns false if none of the alerts is known here. A resolved alert that was never shown does not start a notice.
   */
  async #recordEntries(id: string, entries: readonly AlertNoticeEntry[], at: Timestamp): Promise<boolean> {
    const latest = [...new Map(entries.map((entry) => [reportKeyOf(entry.signal), entry])).values()];
    const alertKeys = latest.map(({ signal }) => keys.alertOfNotice(id, sha256(reportKeyOf(signal))));
    const [head, rows] = await Promise.all([this.#table.get(keys.alertNotice(id)), this.#table.getAll(alertKeys)]);
    const latestEntries = latest.flatMap((entry, n) => {
      const [key, before] = [alertKeys[n], rows[n]];
      const known = before !== undefined || entry.status === 'firing';
      return key !== undefined && known ? [{ entry, key, before }] : [];
    });
    const news = latestEntries.filter(({ entry, before }) => before?.['status'] !== entry.status);
    if (news.length === 0) return latestEntries.length > 0; // seen before, but the notice may be incomplete
    const begins = news.find(({ entry }) => entry.status === 'firing')?.entry;
    const round = begins === undefined ? Number(head?.['round']) : await this.#roundFor(id, head, begins, at);
    await inBatches(news, ({ entry, key, before }) =>
      this.#table.update(key, {
        set: {
          status: entry.status,
          signal: entry.signal,
          round: entry.status === 'firing' ? round : before?.['round'],
          expires_at: Math.ceil(millisOf(at) / 1000) + RETENTION_SECONDS,
        },
      }),
    );
    await this.#table.update(keys.alertNotice(id), { set: { updated_at: at } });
    return true;
  }

  /** Returns the current round, or starts a new one when the last one ended some time ago. */
  async #roundFor(id: string, head: Item | undefined, entry: AlertNoticeEntry, at: Timestamp): Promise<number> {
    if (head === undefined) {
      await this.#begin(id, entry, 1, at);
      return 1;
    }
    const round = Number(head['round']);
    if (secondsBetween(Timestamp.parse(head['updated_at']), at) <= SAME_ROUND_SECONDS) return round;
    // An event does not stay active: no notification will resolve it.
    const goesOn = (await this.#alertsOf(id, round)).some(
      ({ signal, status }) => status === 'firing' && !isEvent(signal),
    );
    if (goesOn) return round;
    await this.#begin(id, entry, round + 1, at);
    return round + 1;
  }

  async #begin(id: string, entry: AlertNoticeEntry, round: number, at: Timestamp): Promise<void> {
    const { signal } = entry;
    // A failed condition means that another process has started the same round at the same time.
    await this.#table.transact([
      put(
        {
          ...keys.alertNotice(id),
          kind: entry.kind,
          round,
          service: signal.service,
          environment: signal.unmatched === null ? signal.environment : SHARED_ENVIRONMENT,
          first_at: at,
          updated_at: at,
          ...(entry.kind === 'notice'
            ? { channel: entry.channel }
            : { target: entry.target, title: signal.unmatched === null ? signal.title : TITLE_OF_UNMATCHED }),
        },
        anyOf(absent, below('round', round)),
      ),
    ]);
  }

  async read(id: string): Promise<AlertNotice | undefined> {
    const head = await this.#table.get(keys.alertNotice(id));
    if (head === undefined) return undefined;
    const round = Number(head['round']);
    const alerts = await this.#alertsOf(id, round);
    const common = {
      round,
      serviceEnvironment: { service: String(head['service']), environment: String(head['environment']) },
      firstAt: Timestamp.parse(head['first_at']),
      updatedAt: Timestamp.parse(head['updated_at']),
      alerts: alerts.slice(0, ALERTS_READ),
      firing: alerts.filter(({ status }) => status === 'firing').length,
      total: alerts.length,
    };
    return head['kind'] === 'notice'
      ? { ...common, kind: 'notice', channel: String(head['channel']) }
      : { ...common, kind: 'ticket', target: TicketTarget.parse(head['target']), title: String(head['title']) };
  }

  /** Newest first. */
  async #alertsOf(id: string, round: number): Promise<AlertNotice['alerts']> {
    const rows = await collect(this.#table.each(keys.alertNotice(id).pk, { prefix: 'EP#' }), (item) => item);
    return rows
      .filter((row) => row['round'] === round)
      .map((row) => ({
        signal: StoredSignal.parse(row['signal']),
        status: row['status'] === 'resolved' ? ('resolved' as const) : ('firing' as const),
      }))
      .toSorted((a, b) => (a.signal.startsAt < b.signal.startsAt ? 1 : -1));
  }
}

/** Maximum number of concurrent writes. */
const AT_ONCE = 10;

async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += AT_ONCE)
    await Promise.all(items.slice(from, from + AT_ONCE).map(work));
}

/**
 * Returns the id of the notice: one for each channel, service, and environment; for tickets, one for each target and
 * alert name there. Alerts of services outside the catalogue share one of each, because senders choose the values that
 * tell them apart.
 */
function noticeId(entry: AlertNoticeEntry): string {
  const { service, environment, unmatched } = entry.signal;
  const parts = unmatched === null ? [service, environment, unmatched] : [service];
  const own =
    entry.kind === 'notice' ? [entry.channel] : [entry.target, ...(unmatched === null ? [entry.signal.title] : [])];
  return sha256(canonicalJson([entry.kind, ...parts, ...own])).slice(0, 32);
}
