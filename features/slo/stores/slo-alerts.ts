import * as z from 'zod';
import type { Clock } from '../../../core/domain/ports/system.ts';
import type { SeenAlert, SloAlerts } from '../types.ts';
import { Severity } from '../../../schemas/config/names.ts';
import { SloId } from '../../../schemas/slo/slo.ts';
import { millisOf, plusSeconds, Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../keys.ts';
import type { Table } from '../../../core/stores/table.ts';

/** An alert without notifications for this long counts as resolved. */
const RESOLVED_AFTER_SECONDS = 7 * 24 * 3600;

/** Stored twice as long, so that the alert is first seen as resolved, and is not missing at once. */
const STORED_SECONDS = 2 * RESOLVED_AFTER_SECONDS;

const StoredAlert = z.object({
  id: SloId,
  report: z.string(),
  severity: Severity,
  firing: z.boolean(),
  at: Timestamp,
});

/** Stores the state of each burn-rate alert that was received for an objective. */
export class SloAlertTable implements SloAlerts {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async record(id: SloId, { report, severity, firing }: SeenAlert): Promise<void> {
    const at = this.#clock.now();
    await this.#table.update(keys.sloAlert(id, report), {
      set: { id, report, severity, firing, at, expires_at: Math.floor(millisOf(at) / 1000) + STORED_SECONDS },
    });
  }

  async all(): Promise<Map<SloId, SeenAlert[]>> {
    const since = plusSeconds(this.#clock.now(), -RESOLVED_AFTER_SECONDS);
    const found = new Map<SloId, SeenAlert[]>();
    for await (const item of this.#table.each(keys.sloAlerts().pk)) {
      const { id, at, firing, ...alert } = StoredAlert.parse(item);
      const alerts = found.get(id) ?? [];
      alerts.push({ ...alert, firing: firing && at > since });
      found.set(id, alerts);
    }
    return found;
  }
}
