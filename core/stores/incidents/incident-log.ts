import { BoundedMap } from '../../domain/bounded-map.ts';
import {
  INCIDENT_EVENTS,
  type IncidentEvent,
  type IncidentEventFields,
} from '../../domain/incidents/incident-events.ts';
import type { Log } from '../../domain/ports/system.ts';
import { StoredIncident } from '../../../schemas/incidents/stored-records.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { inTime } from '../in-time.ts';
import { keys } from '../../stores/keys.ts';
import type { Table } from '../../stores/table.ts';

/** Number of incidents whose service is cached. */
const CACHED_MAX = 1000;

/** Longest time that a page waits for its log line; after that the line lacks the service. */
const WAIT_MAX_MS = 250;

type About = { service: string; environment: string; trace: string; title: string };
type Remembered = Pick<IncidentRecord, 'id' | 'service' | 'environment' | 'trace' | 'unmatched' | 'title'>;

/** Logs events of incidents. A store calls it after a write, and only the process whose write succeeded. */
export class IncidentLog {
  readonly #table: Table;
  readonly #log: Log;
  readonly #known = new BoundedMap<Promise<About | undefined>>(CACHED_MAX);

  constructor(table: Table, log: Log) {
    this.#table = table;
    this.#log = log;
  }

  /**
   * Logs an event, at `error` and with the title of the alert if it is a failure. Never rejects.
   *
   * @param failure why it failed, such as the response of a vendor
   */
  async publish(
    id: IncidentId,
    event: IncidentEvent,
    fields: IncidentEventFields = {},
    failure?: string,
  ): Promise<void> {
    const { title, ...about } = (await inTime(WAIT_MAX_MS, this.#about(id))) ?? {};
    const line = { event, incident: id, ...about, ...fields };
    if (failure === undefined) this.#log.info(INCIDENT_EVENTS[event], line);
    else this.#log.error(INCIDENT_EVENTS[event], { ...line, alert: title, detail: failure });
  }

  /** Returns the title of the alert. Undefined: it is not read soon. Never rejects. */
  async titleOf(id: IncidentId): Promise<string | undefined> {
    return (await inTime(WAIT_MAX_MS, this.#about(id)))?.title;
  }

  /** Learns of an incident that was read or written anyway, so that its events need no read of their own. */
  remember({ id, service, environment, trace, unmatched, title }: Remembered): void {
    this.#known.set(id, Promise.resolve({ service: unmatched || service, environment, trace, title }));
  }

  /** Service and environment never change, and the title hardly ever, so each process reads them once. */
  #about(id: IncidentId): Promise<About | undefined> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const reading = this.#read(id).catch(() => {
      this.#known.delete(id);
      return undefined;
    });
    this.#known.set(id, reading);
    return reading;
  }

  async #read(id: IncidentId): Promise<About | undefined> {
    const item = await this.#table.get(keys.incident(id));
    if (item === undefined) return undefined;
    const { service, environment, trace, unmatched, title } = StoredIncident.parse(item);
    return { service: unmatched || service, environment, trace, title };
  }
}
