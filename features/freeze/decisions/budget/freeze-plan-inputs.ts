import type { Freeze } from '../../schemas/freeze.ts';
import type { EvaluatedObjective } from '../../../../core/domain/ports/error-budgets.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { CalendarNow } from '../calendar.ts';
import type { OpenIncident } from '../causes.ts';
import type { FreezePolicy } from '../policy.ts';

/** One configured objective, as this evaluation finds it, with the policy that applies to it. */
export type Evaluated = EvaluatedObjective & { policy: FreezePolicy };

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
