import { flapping, growth, onAll, plateau, severity } from '../world/shapes.ts';
import { fails } from '../world/stage.ts';
import { dependentsFail, maybeDeploy, nothingCausedIt, type Scene, usualChanges } from './scene.ts';

/** Problems from outside the service, without a recorded change as the cause. */

/** Delay of another service's alert, in seconds. */
const watch = { min: 60, max: 420 };

/** A dependency fails by itself. Two in ten are not monitored. */
export const dependencyFailure: Scene = (stage) => {
  const { rng, landscape, problemAt, profile } = stage;
  usualChanges(stage);
  maybeDeploy(stage);
  const failing = rng.pick(landscape.dependencies);
  if (rng.chance(0.8)) fails(stage, failing, problemAt + rng.between(-60, 30), watch);
  const others = failing.relation === 'shared' ? 0.5 : 0.1;
  for (const neighbour of landscape.unrelated) {
    if (rng.chance(others)) fails(stage, neighbour, problemAt + rng.between(0, 120), watch);
  }
  stage.faults.push(onAll(severity(rng, profile), plateau(problemAt, rng.pick([0, 0, 30, 90, 240]))));
  dependentsFail(stage);
  return nothingCausedIt;
};

/**
 * A leak outside the deployed code: a disk, a table, a queue, or database connections. In a quarter of the cases there are no
 * errors until it is full, and then all at once.
 */
export const slowLeak: Scene = (stage) => {
  const { rng, problemAt, profile } = stage;
  usualChanges(stage);
  maybeDeploy(stage);
  const cliff = rng.chance(0.25);
  const size = severity(rng, profile);
  // The limit is reached at `problemAt`, before the full size.
  const reached = Math.min(0.9, (profile.limit * profile.rule.factor) / size);
  const power = rng.between(1, 3);
  const slow = rng.between(1800, 10_800);
  const from = problemAt - slow;
  const full = from + slow / reached ** (1 / power);
  stage.faults.push(onAll(size, cliff ? plateau(problemAt, rng.between(0, 60)) : growth(from, full, power)));
  stage.problemAt = cliff ? problemAt : problemAt - Math.min(600, slow * 0.3);
  if (rng.chance(0.1)) fails(stage, rng.pick(stage.landscape.unrelated), problemAt, { min: 60, max: 600 });
  return nothingCausedIt;
};

/** More requests than the service can handle: requests above the capacity fail, and some of the others. */
export const trafficSpike: Scene = (stage) => {
  const { rng, problemAt } = stage;
  usualChanges(stage);
  maybeDeploy(stage);
  const shape = plateau(problemAt, rng.scale(20, 600), problemAt + rng.scale(600, 7200));
  const times = rng.scale(2, 8);
  const capacity = rng.between(1.3, Math.max(1.4, times * 0.9));
  stage.trafficFactor = (t) => 1 + (times - 1) * shape(t);
  stage.faults.push(({ trafficFactor: rush }) => (rush > capacity ? Math.min(0.95, 1.2 * (1 - capacity / rush)) : 0));
  if (rng.chance(0.3)) fails(stage, rng.pick(stage.landscape.unrelated), problemAt + rng.between(0, 300), watch);
  dependentsFail(stage);
  return nothingCausedIt;
};

/** An external provider fails for some of the requests. Its other users also fail, if there are any. */
export const thirdParty: Scene = (stage) => {
  const { rng, problemAt, profile } = stage;
  usualChanges(stage);
  maybeDeploy(stage);
  const steady = plateau(problemAt, rng.pick([0, 0, 30, 120, 400]), problemAt + rng.scale(300, 14_400));
  const shape = rng.chance(0.25) ? flapping(steady, rng.between(60, 240), rng.between(20, 120)) : steady;
  stage.faults.push(onAll(severity(rng, profile, 0.7), shape));
  for (const neighbour of stage.landscape.unrelated) {
    if (rng.chance(0.15)) fails(stage, neighbour, problemAt + rng.between(-30, 120), watch);
  }
  return nothingCausedIt;
};

/** A limit too close to the normal value, or too few requests for a ratio: the alert fires by chance. */
export const noisyAlert: Scene = (stage) => {
  const { rng, profile } = stage;
  usualChanges(stage);
  maybeDeploy(stage);
  const few = rng.chance(0.4);
  stage.profile = {
    ...profile,
    requestsPerSecond: few ? rng.scale(0.03, 1) : profile.requestsPerSecond,
    base: profile.limit * (few ? rng.between(0.15, 0.6) : rng.between(0.45, 0.8)),
    unrest: few ? profile.unrest : rng.between(0.2, 0.4),
    rule: { ...profile.rule, factor: 1, forSeconds: rng.pick([0, 0, 60, 120]) },
  };
  stage.mayHaveFiredBefore = true;
  return nothingCausedIt;
};
