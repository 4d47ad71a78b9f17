import type { Change } from '../../../../schemas/changes/change.ts';
import type { ChangeId, Version } from '../../../../schemas/config/names.ts';
import type { Random } from '../random.ts';
import { type Landscape, landscape, type Neighbour } from './landscape.ts';
import { type Profile, profile, recording } from './profile.ts';
import { longCanary, type Rollout, rollout, takesTrafficAt } from './rollout.ts';
import type { Fault, WorldChange, FailingNeighbour, World } from './world.ts';

/** A world during its setup. Kinds of incidents add events; `worldOf` completes it. */
export type Stage = {
  rng: Random;
  profile: Profile;
  landscape: Landscape;
  problemAt: number;
  epoch: number;
  rollouts: Rollout[];
  faults: Fault[];
  changes: WorldChange[];
  failing: FailingNeighbour[];
  trafficFactor: (t: number) => number;
  mayHaveFiredBefore: boolean;
};

/** A fixed day, so that the same seed produces the same times. */
const FIRST_DAY = Date.UTC(2026, 0, 5);
const DAY_MILLIS = 86_400_000;
/** Seconds from the start of the world to the problem: more than two hours, so that the two hours before any alert are visible. */
const PROBLEM = { min: 8400, max: 9000 };
export const LOOK_BACK = 7200;

export function newStage(rng: Random): Stage {
  const made: Stage = {
    rng,
    profile: profile(rng),
    landscape: landscape(rng),
    problemAt: rng.between(PROBLEM.min, PROBLEM.max),
    epoch: FIRST_DAY + rng.whole(0, 180 * DAY_MILLIS),
    rollouts: [],
    faults: [],
    changes: [],
    failing: [],
    trafficFactor: () => 1,
    mayHaveFiredBefore: false,
  };
  addHistory(made);
  return made;
}

export function worldOf(stage: Stage): World {
  const {
    profile: own,
    landscape: around,
    problemAt,
    epoch,
    faults,
    failing,
    trafficFactor,
    mayHaveFiredBefore,
  } = stage;
  return {
    profile: own,
    landscape: around,
    problemAt,
    epoch,
    faults,
    failing,
    trafficFactor,
    mayHaveFiredBefore,
    firstVersion: versionOf(stage, 0),
    rollouts: stage.rollouts.toSorted((a, b) => a.startedAt - b.startedAt),
    changes: stage.changes.toSorted((a, b) => a.startedAt - b.startedAt),
  };
}

/** Returns the name of a version by its number. Version 0 runs before all rollouts. */
export const versionOf = ({ landscape: { service } }: Pick<Stage, 'landscape'>, number: number): Version =>
  `${service.name.length}.${40 + number}.0` as Version;

/** Adds four successful deploys, half a day to three days apart. */
function addHistory(stage: Stage): void {
  let at = -stage.rng.between(6, 40) * 3600;
  for (let number = 0; number >= -3; number -= 1) {
    addChange(stage, stage.landscape.service, 'deploy', at, {
      version: versionOf(stage, number),
      previous: versionOf(stage, number - 1),
      finishedAt: at + stage.rng.between(60, 600),
      hasMigration: false,
      recording: { ...stage.profile.recording, how: 'both' },
    });
    at -= stage.rng.between(12, 72) * 3600;
  }
}

/** Adds a deploy of the service. */
export function deploy(
  stage: Stage,
  startedAt: number,
  more: Partial<WorldChange> & { weight?: number } = {},
): Deployed {
  const { rng, profile: own } = stage;
  const { weight, ...rest } = more;
  const version = rest.version ?? versionOf(stage, 1 + stage.rollouts.length);
  const rolled =
    weight === undefined ? rollout(rng, version, startedAt, own.strategy) : longCanary(rng, version, startedAt, weight);
  const before = stage.rollouts.at(-1)?.version ?? versionOf(stage, 0);
  stage.rollouts.push(rolled);
  const change = addChange(stage, stage.landscape.service, 'deploy', startedAt, {
    version,
    previous: before,
    finishedAt: rolled.finishedAt,
    rollout: rolled,
    recording: own.recording,
    ...rest,
  });
  if (rng.chance(BLIP)) stage.faults.push(blip(stage, rolled));
  return { change, rollout: rolled };
}

export type Deployed = { change: WorldChange; rollout: Rollout };

/** Probability that a few requests fail while a rollout replaces instances, too few for an alert. */
const BLIP = 0.15;

function blip({ rng, profile: { limit } }: Stage, { version, ...rolled }: Rollout): Fault {
  const size = rng.between(0.2, 0.8) * limit;
  const end = takesTrafficAt({ version, ...rolled }) + rng.between(30, 120);
  return ({ t, version: of }) => (of === version && t < end ? size : 0);
}

export function addChange(
  stage: Stage,
  by: Neighbour,
  kind: Change['kind'],
  startedAt: number,
  more: Partial<WorldChange> = {},
): WorldChange {
  const { rng } = stage;
  const change: WorldChange = {
    id: `chg_${rng.hex(26)}` as ChangeId,
    by,
    kind,
    version: `${kind.slice(0, 3)}-${rng.whole(100, 9999)}` as Version,
    previous: null,
    startedAt,
    finishedAt: startedAt + (kind === 'flag' || kind === 'config' ? rng.between(1, 30) : rng.between(30, 600)),
    status: 'succeeded',
    hasMigration: kind === 'migration' ? true : rng.weighted({ no: 90, unknown: 7, yes: 3 }) === 'no' ? false : null,
    rollout: null,
    recording: recording(rng),
    ...more,
  };
  stage.changes.push(change);
  return change;
}

/** Makes another service fail; its own alert fires a little later. */
export function fails(
  stage: Stage,
  neighbour: Neighbour,
  since: number,
  detection: { min: number; max: number },
): void {
  stage.failing.push({ neighbour, since, seenAt: since + stage.rng.between(detection.min, detection.max) });
}
