import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import type { Label } from '../case.ts';
import { addChange, deploy, type Deployed, LOOK_BACK, type Stage } from '../world/stage.ts';
import type { WorldChange } from '../world/world.ts';

/**
 * Sets up the world of one kind of incident. The returned function labels the case from its evidence; null if the world turned
 * out to be of another kind, and must be redrawn.
 */
export type Scene = (stage: Stage) => (evidence: Evidence) => Label | null;

export const nothingCausedIt = (): Label => ({ cause: null, right: 'do_not_roll_back' });

/** Returns whether a change is recorded at the time of the decision. Unrecorded changes cannot be found. */
export const isKnown = (evidence: Evidence, { id }: WorldChange): boolean =>
  evidence.changes.some(({ change }) => change.id === id);

/** Changes per two hours and neighbor. */
const USUAL_CHANGES = { own: 0.12, dependency: 0.1, shared: 0.06, other: 0.15 };
/** Seconds after the start of the problem at which people stop deploying. */
const SHIPS_ON = 240;

/**
 * Adds unrelated changes at independent times: the service's own configuration and flags, dependencies, infrastructure, and
 * other services.
 */
export function usualChanges(stage: Stage): void {
  const { rng, landscape, problemAt } = stage;
  const anyTime = () => rng.between(problemAt - LOOK_BACK, problemAt + SHIPS_ON);
  if (rng.chance(USUAL_CHANGES.own)) {
    addChange(stage, landscape.service, rng.weighted({ config: 5, flag: 5, experiment: 2, migration: 1 }), anyTime());
  }
  for (const neighbour of [...landscape.dependencies, ...landscape.unrelated, ...landscape.dependents]) {
    const shared = neighbour.relation === 'shared';
    const often = shared
      ? USUAL_CHANGES.shared
      : neighbour.distance > 0
        ? USUAL_CHANGES.dependency
        : USUAL_CHANGES.other;
    if (!rng.chance(often)) continue;
    const kind = shared
      ? rng.weighted({ infrastructure: 7, config: 2, deploy: 1 })
      : rng.weighted({ deploy: 12, config: 3, flag: 2, hotfix: 1, rollback: 1, migration: 1 });
    addChange(stage, neighbour, kind, anyTime(), { status: rng.chance(0.05) ? 'failed' : 'succeeded' });
  }
}

/** Adds a deploy of the service in the two hours before the problem, independent of it. */
export function anyDeploy(stage: Stage): Deployed {
  const { rng, problemAt } = stage;
  return deploy(stage, rng.between(problemAt - LOOK_BACK, problemAt));
}

/** Share of services with other causes that were deployed in the last two hours. A high share makes the set harder. */
const DEPLOYED_LATELY = 0.6;

export function maybeDeploy(stage: Stage): void {
  if (stage.rng.chance(DEPLOYED_LATELY)) anyDeploy(stage);
}

/** Makes callers of the failing service fail as well, if it is bad enough. */
export function dependentsFail(stage: Stage): void {
  const { rng, landscape, problemAt } = stage;
  for (const neighbour of landscape.dependents) {
    if (!rng.chance(0.35)) continue;
    const since = problemAt + rng.between(20, 180);
    stage.failing.push({ neighbour, since, seenAt: since + rng.between(60, 360) });
  }
}
