import type { PageReference, PagerIncidents } from '../../domain/paging/pagerduty/page-reference.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { keys } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import { absent, put } from '../../../platforms/store.ts';

/** An incident can last two weeks, and webhooks about it arrive for some time after it. */
const RETENTION_SECONDS = 90 * 24 * 3600;

/** Maps PagerDuty incidents to Firebreak's pages: not every webhook about an incident contains our key. */
export class PagerIncidentTable implements PagerIncidents {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async remember(external: string, page: PageReference): Promise<void> {
    const expires_at = Math.ceil(millisOf(this.#clock.now()) / 1000) + RETENTION_SECONDS;
    const { incidentId, number } = page;
    await this.#table.transact([
      put({ ...keys.pagerIncident(external, page), incident_id: incidentId, number, expires_at }, absent),
    ]);
  }

  async find(external: string): Promise<PageReference[]> {
    return collect(this.#table.each(keys.pagesOfPagerIncident(external).pk), (item) => ({
      incidentId: IncidentId.parse(item['incident_id']),
      number: Number(item['number']),
    }));
  }
}
