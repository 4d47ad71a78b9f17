import { onAll, plateau, severity } from '../world/shapes.ts';
import { shareAt } from '../world/rollout.ts';
import { fails, type Stage } from '../world/stage.ts';
import { anyDeploy, nothingCausedIt, type Scene, usualChanges } from './scene.ts';

const SOON = { min: 30, max: 360 };

/**
 * A problem without a recorded change begins, and the service was deployed in the two hours before, at an unrelated time.
 */
export const coincidence: Scene = (stage) => {
  usualChanges(stage);
  anyDeploy(stage);
  const what = stage.rng.weighted({
    host: 22,
    certificate: 10,
    badData: 20,
    batchJob: 15,
    hotTenant: 13,
    network: 10,
    byHand: 10,
  });
  CAUSES[what](stage);
  return nothingCausedIt;
};

const CAUSES = { host, certificate, badData, batchJob, hotTenant, network, byHand };

/** A machine dies. Other services on it fail in the same minute; after some minutes it takes no more traffic. */
function host(stage: Stage): void {
  const { rng, problemAt, rollouts } = stage;
  const part = 1 / rng.whole(2, 12);
  const until = rng.chance(0.6) ? problemAt + rng.between(90, 600) : Infinity;
  const shape = plateau(problemAt, rng.between(0, 20), until);
  const newest = rollouts.at(-1);
  // A version with one or two instances either runs on that machine or does not.
  const few = newest !== undefined && shareAt(newest, problemAt) < 0.2;
  const ofNewest = few ? Number(rng.chance(part)) : part;
  stage.faults.push(({ t, version }) => 0.95 * (version === newest?.version ? ofNewest : part) * shape(t));
  alsoFailing(stage, 0.55, 1);
}

/** A certificate expires at a full minute, for all its users at once. */
function certificate(stage: Stage): void {
  const { rng, problemAt } = stage;
  stage.faults.push(onAll(rng.between(0.2, 1), plateau(Math.ceil(problemAt / 60) * 60, 0)));
  alsoFailing(stage, 0.45, 2);
}

/** Bad data: a message, a row, or a customer's input that the code cannot process. Only this service is affected. */
function badData(stage: Stage): void {
  const { rng, problemAt, profile } = stage;
  stage.faults.push(onAll(severity(rng, profile, 0.5), plateau(problemAt, rng.pick([0, 30, 90, 180, 600]))));
}

/** A batch job: starts by schedule and ends by itself. A third of them also ran half an hour or an hour before. */
function batchJob(stage: Stage): void {
  const { rng, problemAt, profile } = stage;
  const lasts = rng.between(240, 1800);
  const size = severity(rng, profile, 0.4);
  const shape = plateau(problemAt, rng.between(20, 120), problemAt + lasts);
  stage.faults.push(onAll(size, shape));
  const more = rng.chance(0.5) ? rng.between(0.2, 2) : 0;
  stage.trafficFactor = (t) => 1 + more * shape(t);
  if (rng.chance(0.35)) {
    const before = problemAt - rng.pick([1800, 3600]);
    stage.faults.push(onAll(Math.min(size, profile.limit * 0.9), plateau(before, 60, before + lasts / 2)));
  }
}

/** One customer sends far more requests than usual and exceeds its limits. */
function hotTenant(stage: Stage): void {
  const { rng, problemAt, profile } = stage;
  const shape = plateau(problemAt, rng.between(10, 240));
  const more = rng.scale(0.15, 2);
  stage.trafficFactor = (t) => 1 + more * shape(t);
  stage.faults.push(onAll(severity(rng, profile, Math.max(0.06, more / (1 + more))), shape));
}

/** A zone or a switch fails: many services are affected, and monitoring nearly always shows other failing services. */
function network(stage: Stage): void {
  const { rng, problemAt, profile } = stage;
  stage.faults.push(onAll(severity(rng, profile), plateau(problemAt, rng.between(0, 60))));
  alsoFailing(stage, 0.9, 4);
}

/** An unrecorded manual change. */
function byHand(stage: Stage): void {
  const { rng, problemAt, profile } = stage;
  stage.faults.push(onAll(severity(rng, profile), plateau(problemAt, rng.pick([0, 0, 20, 60]))));
}

function alsoFailing(stage: Stage, probability: number, atMost: number): void {
  const { rng, landscape, problemAt } = stage;
  if (!rng.chance(probability)) return;
  for (const neighbour of landscape.unrelated.slice(0, rng.whole(1, atMost))) {
    fails(stage, neighbour, problemAt + rng.between(-30, 60), SOON);
  }
}
