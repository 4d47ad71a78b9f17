import type { CheckReason } from '../schemas/freeze-check.ts';
import type { Pass } from './exemptions/passes.ts';

/** One finding of a check. */
export type Finding = CheckReason & {
  /**
   * `refuse`: the change is not allowed. `warn`: the change is allowed, with a warning. `note`: explains another
   * finding.
   */
  effect: 'refuse' | 'warn' | 'note';
  /** Identifies the finding among those with the same code, without clocks and changing numbers. */
  key: string;
  /** Describes when the refusal ends. */
  clears?: string;
  /** Exemption that lets the change through, so that the finding does not refuse it. */
  pass?: Pass;
};
