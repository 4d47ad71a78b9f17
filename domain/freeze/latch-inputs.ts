import type { Freeze } from '../../schemas/freeze.ts';
import type { SloStatus } from '../../schemas/slo-status.ts';
import type { Timestamp } from '../../schemas/time.ts';
import type { CalendarNow } from './calendar.ts';
import type { Objective, OpenIncident } from './causes.ts';
import type { FreezePolicy } from './policy.ts';

/** One configured objective, as this evaluation finds it. */
export type Evaluated = {
  slo: Objective;
  policy: FreezePolicy;
  /** Null: no Prometheus is connected, so that no evaluation will ever tell. One that does not answer is `unreadable`. */
  status: SloStatus | null;
  /**
   * Whether one of its burn alerts fires, by what their sender last said of each; it counts where no Prometheus is
   * connected. Null: none was ever heard of.
   */
  alerting: boolean | null;
};

export type LatchInputs = {
  at: Timestamp;
  /** All that are configured. */
  objectives: readonly Evaluated[];
  /** All that are not resolved, with the policy of their place. Null: they could not be read, so nothing changes. */
  incidents: readonly { incident: OpenIncident; policy: FreezePolicy }[] | null;
  calendar: CalendarNow;
  /** All that are scheduled, in force, or not settled. */
  current: readonly Freeze[];
};
