import type { QuestionInputs } from '../../../core/domain/runbooks/permission.ts';
import type { Json } from '../../../core/domain/runbooks/variables.ts';
import type { Reason } from '../../../schemas/incidents/reason.ts';
import type { StepEnd } from '../../../schemas/runbooks/parts/runs.ts';
import type { TrafficShift } from './reroute.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** A question to people before a step: text, people, and time-out. */
export type StepQuestion = {
  text: string;
  reasons: Reason[];
  people: readonly string[] | null;
  approvals: number;
  /** People whose approval already counts, such as the one who started the runbook. Absent: none. */
  given?: string[];
  seconds: number;
  inputs: QuestionInputs;
};

/**
 * What to do with a step. `end`: it does not run; `isNoted`: the timeline says so. `go`: it runs, after an approval if
 * `ask` is set; `scale`: numbers of instances.
 */
export type Preparation =
  | { kind: 'end'; end: StepEnd; isNoted: boolean }
  | { kind: 'go'; ask: StepQuestion | null; scale: { from: number; to: number } | null; shift?: TrafficShift };

/** Inputs of a step, determined once before it runs, so that every attempt does exactly what a person approved. */
export type Prepared = {
  at: Timestamp;
  ready: Preparation;
  /** Parameters of the step, with all placeholders resolved. */
  given: Json;
  /** The suspected change, if the step acts against one. Absent in records of older versions. */
  against?: string | null;
};
