import type { Change } from '../../schemas/changes/change.ts';
import type { ChangeId, Version } from '../../schemas/config/names.ts';
import type { Landscape, Neighbour } from './landscape.ts';
import type { Profile, Recording } from './profile.ts';
import type { Rollout } from './rollout.ts';

/**
 * The true events around one service in a few hours. Times are seconds since the start of the world, by the monitoring's clock.
 * Judges see only what observe.ts returns.
 */
export type World = {
  /** Start of the world in milliseconds since the Unix epoch. */
  epoch: number;
  profile: Profile;
  landscape: Landscape;
  /** Version before all rollouts. */
  firstVersion: Version;
  /** Rollouts of the service in order of their start. */
  rollouts: readonly Rollout[];
  faults: readonly Fault[];
  /** Traffic as a multiple of the usual rate. */
  rush: (t: number) => number;
  /** All changes of production, including the service's own deploys. */
  changes: readonly Happened[];
  ill: readonly Ill[];
  /** Start of the problem. */
  troubleAt: number;
  /** Whether the same alert can have fired and ended before. If not, such a world is of another kind. */
  mayHaveFiredBefore: boolean;
};

/** Returns the share of a version's requests, 0 to 1, that fail for one reason. `rush`: traffic as a multiple of the usual rate. */
export type Fault = (moment: { t: number; version: Version; rush: number }) => number;

export type Happened = {
  id: ChangeId;
  by: Neighbour;
  kind: Change['kind'];
  version: Version;
  previous: Version | null;
  startedAt: number;
  finishedAt: number;
  status: 'succeeded' | 'failed' | 'cancelled';
  hasMigration: boolean | null;
  /** Weights of a canary over time. */
  rollout: Rollout | null;
  recording: Recording;
};

/** Another failing service. */
export type Ill = {
  neighbour: Neighbour;
  since: number;
  /** When its own alert fired. */
  seenAt: number;
};

/** End of the simulation: the latest problem, the longest wait for its alert, and the decision. */
export const END = 12_600;
