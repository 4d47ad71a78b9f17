import { numbersToSkip } from '../../domain/incidents/incident-number.ts';
import type { NewIncident } from '../../domain/incidents/new-incident.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { keys } from '../../stores/keys.ts';
import type { Table } from '../../stores/table.ts';

/**
 * Numbers new incidents: 1, 2, 3 … in the order of opening, with gaps. A number belongs to the incident whose transaction
 * writes its item first; another transaction with the same number fails, and is tried again.
 */
export class IncidentNumbers {
  readonly #table: Table;
  #taken = 0;

  constructor(table: Table) {
    this.#table = table;
  }

  /** Reads the newest number, 0 without any. Strongly consistent. */
  async newest(): Promise<number> {
    const { items } = await this.#table.newest({ pk: keys.incidentNumbers().pk }, { limit: 1 });
    return Number(items[0]?.['sk'] ?? 0);
  }

  /**
   * Returns the incident with the next number. Incidents that this process opens at the same time get different numbers.
   *
   * @param newest read before this attempt
   */
  numbered(opens: NewIncident, newest: number, attempt: number): NewIncident {
    const skipped = numbersToSkip(attempt, opens.incident.id);
    this.#taken = Math.max(this.#taken, newest) + 1 + skipped;
    return { ...opens, incident: { ...opens.incident, number: this.#taken } };
  }
}

/** Returns the incident with a number. Strongly consistent. Undefined: there is none. */
export async function incidentWithNumber(table: Table, number: number): Promise<IncidentId | undefined> {
  const item = await table.get(keys.incidentNumber(number));
  return item && IncidentId.parse(item['incident_id']);
}
