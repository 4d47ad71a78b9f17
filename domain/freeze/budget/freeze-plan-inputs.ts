import type { Freeze } from '../../../schemas/freeze/freeze.ts';
import type { SloStatus } from '../../../schemas/slo/slo-status.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { CalendarNow } from '../calendar.ts';
import type { Objective, OpenIncident } from '../causes.ts';
import type { FreezePolicy } from '../policy.ts';

/** One configured objective, as this evaluation finds it. */
export type Evaluated = {
  slo: Objective;
  policy: FreezePolicy;
  /**
   * Null: no Prometheus is connected, so no evaluation ever returns a status. If Prometheus does not answer, the state
   * is `unreadable`.
   */
  status: SloStatus | null;
  /**
   * Whether one of its burn alerts fires, by the last notification of each; used only if no Prometheus is connected.
   * Null: no burn alert was ever received.
   */
  alerting: boolean | null;
};

export type FreezePlanInputs = {
  at: Timestamp;
  /** All configured objectives. */
  objectives: readonly Evaluated[];
  /**
   * All unresolved incidents with the policies that apply to them. Null: they could not be read, so their freezes do
   * not change.
   */
  incidents: readonly { incident: OpenIncident; policy: FreezePolicy }[] | null;
  calendar: CalendarNow;
  /** All freezes that are scheduled, in force, or not settled. */
  current: readonly Freeze[];
};
