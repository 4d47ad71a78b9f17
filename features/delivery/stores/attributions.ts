import type { Attributions } from '../types.ts';
import { AttributionCorrection } from '../deploy-record.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { auditWrite } from '../../../core/stores/audit/audit-writes.ts';
import { keys } from '../keys.ts';
import { collect, type Table } from '../../../core/stores/table.ts';
import { put, remove } from '../../../platforms/store.ts';

/** Stores the statements of people about causes, each with its entry in the audit log in one transaction. */
export class AttributionTable implements Attributions {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async all(): Promise<AttributionCorrection[]> {
    return collect(this.#table.each(keys.attributions().pk), (item) => AttributionCorrection.parse(item));
  }

  async get(id: IncidentId): Promise<AttributionCorrection | undefined> {
    const item = await this.#table.get(keys.attribution(id));
    return item && AttributionCorrection.parse(item);
  }

  async correct(correction: AttributionCorrection, key: string): Promise<void> {
    const { incident_id: id, deployment_id: deploy, by: actor, at, reason } = correction;
    await this.#table.transact([
      put({ ...keys.attribution(id), ...correction }),
      auditWrite({
        id: `attribution:${id}:${key}`,
        at,
        actor,
        kind: 'attribution.corrected',
        subject: id,
        text:
          deploy === null
            ? `Attributed to no deployment: ${reason}`
            : `Attributed to the deployment ${deploy}: ${reason}`,
        detail: { deployment_id: deploy, reason },
      }),
    ]);
  }

  async withdraw(
    { incident_id: id, deployment_id: deploy }: AttributionCorrection,
    { name: actor, at }: { name: string; at: Timestamp },
    key: string,
  ): Promise<void> {
    await this.#table.transact([
      remove(keys.attribution(id)),
      auditWrite({
        id: `attribution:${id}:${key}`,
        at,
        actor,
        kind: 'attribution.withdrawn',
        subject: id,
        text: 'Correction withdrawn: the confirmed suspect of Firebreak counts again',
        detail: { deployment_id: deploy },
      }),
    ]);
  }
}
