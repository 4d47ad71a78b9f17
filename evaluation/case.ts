import type { Evidence } from '../domain/correlation/evidence.ts';
import type { Change } from '../schemas/changes/change.ts';
import type { Mode } from '../schemas/config/names.ts';
import type { LooksBy } from './clear.ts';
import type { Trace } from './observables.ts';

/** Kinds of incidents in which nothing may be rolled back without a person. */
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

/** Kinds of incidents that a recorded change has caused. */
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

/** What a careful engineer on call would have wanted, knowing the end of the story. */
export type Right = 'roll_back' | 'do_not_roll_back' | 'ask';

export type Label = {
  /** The change that caused it. Null: no recorded change did. */
  cause: string | null;
  right: Right;
};

/** What can be said of a case by looking at its evidence, and, where a label is needed for it, at the label. */
export type Facts = {
  /** Seconds from the newest start of a deploy of the service itself before the onset to the onset. Null: none. */
  newest_own_deploy_seconds: number | null;
  /** What in the evidence points to something else than a change. */
  traces: readonly Trace[];
  /** By what it looks like a deploy of the service (clear.ts); null where it does not. */
  looks: LooksBy | null;
  /** It looks like one by more than time, and is one that is to be rolled back. */
  clear: boolean;
  /** It looks like one that is to be rolled back, and is none. */
  deceives: boolean;
  /** Nothing in the evidence speaks against a deploy of the service that is not the cause. */
  undecidable: boolean;
};

export type Policy = { mode: Mode; unknownMigration: 'approve' | 'act' };

/** What a judge is told. The label is not part of it. */
export type Question = {
  id: string;
  evidence: Evidence;
  /** Changes of the service that began earlier than the evidence reaches, oldest first: where a rollback may go. */
  history: readonly Change[];
  policy: Policy;
};

export type Case = Question & { kind: Kind; label: Label; facts: Facts };
