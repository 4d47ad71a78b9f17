import type { Change } from '../../../../schemas/changes/change.ts';
import type { ChangeId, Version } from '../../../../schemas/config/names.ts';
import type { Landscape, Neighbour } from './landscape.ts';
import type { Profile, Recording } from './profile.ts';
import type { Rollout } from './rollout.ts';

/**
 * The true events around one service in a few hours. Times are seconds since the start of the world, by the clock of the
 * monitoring system. Judges, such as the correlation of Firebreak, see only what observe.ts returns.
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
  /** Returns the traffic at a time as a multiple of the usual rate. */
  trafficFactor: (t: number) => number;
  /** All changes of production, including the service's own deploys. */
  changes: readonly WorldChange[];
  failing: readonly FailingNeighbour[];
  /** Start of the problem. */
  problemAt: number;
  /** Whether the same alert may have fired and ended before the problem. If not, a world in which it did is drawn again. */
  mayHaveFiredBefore: boolean;
};

/** Returns the share of a version's requests, 0 to 1, that fail for one reason. `trafficFactor`: traffic as a multiple of the usual rate. */
export type Fault = (moment: { t: number; version: Version; trafficFactor: number }) => number;

export type WorldChange = {
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
export type FailingNeighbour = {
  neighbour: Neighbour;
  since: number;
  /** When its own alert fired. */
  seenAt: number;
};

/** End of the simulation: the latest problem, the longest wait for its alert, and the decision. */
export const END = 12_600;
