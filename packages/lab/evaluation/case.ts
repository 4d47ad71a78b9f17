import type { Evidence } from '../../../core/domain/correlation/evidence.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { Mode } from '../../../schemas/config/names.ts';
import type { LooksBy } from './clear.ts';
import type { Trace } from './observables.ts';

/** Kinds of incidents in which an automatic rollback is wrong. */
export const NEGATIVES = [
  'dependency_failure',
  'coincidence',
  'slow_leak',
  'traffic_spike',
  'third_party',
  'noisy_alert',
  'clock_skew',
  'two_deploys',
  'fix_shipped',
] as const;
export type NegativeKind = (typeof NEGATIVES)[number];

/** Kinds of incidents with a recorded change as the cause. */
export const POSITIVES = [
  'bad_deploy',
  'slow_burn',
  'small_canary',
  'bad_config',
  'bad_flag',
  'dependency_deploy',
  'cold_start',
  'low_traffic',
  'among_others',
  'with_migration',
] as const;
export type PositiveKind = (typeof POSITIVES)[number];

export type Kind = NegativeKind | PositiveKind;

/** The decision that a careful on-call engineer would want in hindsight. */
export type Right = 'roll_back' | 'do_not_roll_back' | 'ask';

export type Label = {
  /** The change that caused the incident. Null: no recorded change. */
  cause: string | null;
  right: Right;
};

/** Facts about a case, derived from its evidence and partly from its label. */
export type Facts = {
  /** Seconds from the newest deploy of the service before the onset to the onset. Null: no deploy. */
  newest_own_deploy_seconds: number | null;
  /** Evidence that points to something other than a change. */
  traces: readonly Trace[];
  /** The evidence by which the case looks like a deploy of the service (clear.ts); null if it does not. */
  looks: LooksBy | null;
  /** The case looks like a deploy by more than timing, and a rollback is wanted. */
  clear: boolean;
  /** The case looks as if a rollback were wanted, but it is not. */
  deceives: boolean;
  /** No evidence speaks against a deploy of the service that is not the cause. */
  undecidable: boolean;
};

export type Policy = { mode: Mode; unknownMigration: 'approve' | 'act' };

/** Input of a judge, without the label. */
export type Question = {
  id: string;
  evidence: Evidence;
  /** Changes of the service from before the evidence, oldest first: possible rollback targets. */
  history: readonly Change[];
  policy: Policy;
  /** Returns what is known so many seconds later. Absent: nothing more. */
  later?: (seconds: number) => Pick<Question, 'evidence' | 'history'>;
};

export type Case = Question & { kind: Kind; label: Label; facts: Facts };
