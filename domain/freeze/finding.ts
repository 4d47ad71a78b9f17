import type { CheckReason } from '../../schemas/freeze-check.ts';
import type { Pass } from './passes.ts';

/** One thing that an answer is made of. */
export type Finding = CheckReason & {
  /** `refuse`: it is not allowed. `warn`: it is, and somebody should know. `note`: explains one of the others. */
  effect: 'refuse' | 'warn' | 'note';
  /** What tells it from others of its code, without clocks and numbers that move. */
  key: string;
  /** When a refusal ends, in words. */
  clears?: string;
  /** What lets it through, so that it does not refuse. */
  pass?: Pass;
};
