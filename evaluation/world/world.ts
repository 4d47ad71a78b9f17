import type { Change } from '../../schemas/changes/change.ts';
import type { ChangeId, Version } from '../../schemas/config/names.ts';
import type { Landscape, Neighbour } from './landscape.ts';
import type { Profile, Recording } from './profile.ts';
import type { Rollout } from './rollout.ts';

/**
 * What truly happens around one service in a few hours. Times are seconds since the world began, by the clock of the
 * monitoring; nothing of this is known to who looks at it from outside but through observe.ts.
 */
export type World = {
  /** When it began, in milliseconds since the Unix epoch. */
  epoch: number;
  profile: Profile;
  landscape: Landscape;
  /** What ran before all roll-outs. */
  firstVersion: Version;
  /** Of the service itself, in the order in which they began. */
  rollouts: readonly Rollout[];
  faults: readonly Fault[];
  /** Traffic, in times of the usual. */
  rush: (t: number) => number;
  /** Everything that altered production, the service's own deploys included. */
  changes: readonly Happened[];
  ill: readonly Ill[];
  /** When the trouble began. */
  troubleAt: number;
  /** Whether the same alert may have fired and ended before. Where it may not, one that did makes another story. */
  mayHaveFiredBefore: boolean;
};

/** The share of a version's requests, 0 to 1, that fail for one reason. `rush`: traffic in times of the usual. */
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
  /** Of a canary, with its weights over time. */
  rollout: Rollout | null;
  recording: Recording;
};

/** Another service that fails. */
export type Ill = {
  who: Neighbour;
  since: number;
  /** When its own alert has told of it. */
  seenAt: number;
};

/** The last moment that is simulated: the latest trouble, the longest wait for its alert, and the decision. */
export const END = 12_600;
