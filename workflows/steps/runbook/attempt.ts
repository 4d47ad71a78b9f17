import type { Effect } from '../../../schemas/incidents/incident.ts';
import type { StepEnd, StepEnds } from '../../../schemas/runbooks/parts/runs.ts';
import type { TrafficShift } from './reroute.ts';

/** What an attempt at a step starts from. `before`: ends of the earlier steps. `handle`: operation in progress; null: none. */
export type AttemptInput = {
  before: StepEnds;
  approved: boolean;
  scale: { from: number; to: number } | null;
  shift?: TrafficShift;
  /** Number of the attempt, from 1. A retry after a failure is a separate action. */
  number: number;
  handle: string | null;
  /** Key known to the target, if an earlier run may have performed the action. Absent: the action's own key. */
  sentAs?: string;
  /** The step has timed out; the text is its result. */
  timedOutText?: string;
};

/** Result of one attempt. `again`: in progress, unavailable, or busy, or people are asked
 * about the same act, who have `answerSeconds`; `failed`: a retry may be allowed. */
export type AttemptResult =
  | { kind: 'ended'; end: StepEnd }
  | { kind: 'again'; detail: string; handle: string | null; afterSeconds: number | null; answerSeconds?: number }
  | { kind: 'failed'; detail: string };

/** A completed attempt: its result, and the effect to record for it. */
export type CompletedAttempt = {
  performed: Exclude<AttemptResult, { kind: 'again' }>;
  effect: { state: Effect['state']; detail: string } | null;
};

/** An attempt that was made: completed, or to be repeated. */
export type MadeAttempt = CompletedAttempt | Extract<AttemptResult, { kind: 'again' }>;
