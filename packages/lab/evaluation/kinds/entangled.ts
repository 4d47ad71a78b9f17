import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { millisOf } from '../../../../schemas/time/time.ts';
import type { Label } from '../case.ts';
import { onsetMillis, singledOut, SUSPECT_MINUTES } from '../observables.ts';
import { takesTrafficAt } from '../world/rollout.ts';
import { onAll, onVersions, plateau, severity } from '../world/shapes.ts';
import { addChange, deploy, type Deployed, type Stage, versionOf } from '../world/stage.ts';
import type { WorldChange } from '../world/world.ts';
import { dependentsFail, isKnown, nothingCausedIt, type Scene, usualChanges } from './scene.ts';

/** Cases in which times or order of changes are misleading. */

/** Seconds from onset to change by the records, above 0 if the change seems later. NaN: unknown. */
const seemsLater = (evidence: Evidence, { id }: WorldChange): number => {
  const found = evidence.changes.find(({ change }) => change.id === id);
  return found === undefined ? Number.NaN : (millisOf(found.change.started_at) - onsetMillis(evidence)) / 1000;
};

const TOLERANCE_SECONDS = 90;

/** The deploy is recorded up to a minute and a half after the onset. */
export const clockSkew: Scene = (stage) => {
  usualChanges(stage);
  stage.profile = { ...stage.profile, recording: { ...stage.profile.recording, how: 'both' } };
  return SKEWS[stage.rng.weighted({ ahead: 55, after: 45 })](stage);
};

const SKEWS = {
  /** The deploy is the cause, but because the CD system's clock is fast, it seems to begin after the onset. A person must decide. */
  ahead: (stage: Stage) => {
    const bad = badDeploy(stage);
    const toTraffic = takesTrafficAt(bad.rollout) - bad.rollout.startedAt;
    bad.change.recording = { ...bad.change.recording, clock: toTraffic + stage.rng.between(10, 200) };
    return (evidence: Evidence): Label | null => {
      const later = seemsLater(evidence, bad.change);
      return later > 0 && later <= TOLERANCE_SECONDS ? { cause: bad.change.id, right: 'ask' } : null;
    };
  },
  /** Another problem begins, and a deploy follows within a minute and a half: it is not the cause. */
  after: (stage: Stage) => {
    unrelatedProblem(stage);
    const late = deploy(stage, stage.problemAt + stage.rng.between(5, 180));
    return (evidence: Evidence): Label | null => {
      const later = seemsLater(evidence, late.change);
      return later > 0 && later <= TOLERANCE_SECONDS ? nothingCausedIt() : null;
    };
  },
};

function unrelatedProblem(stage: Stage): void {
  const { rng, problemAt, profile } = stage;
  stage.faults.push(onAll(severity(rng, profile), plateau(problemAt, rng.pick([0, 0, 30, 90]))));
  dependentsFail(stage);
}

/** A deploy whose version fails as soon as it takes traffic, which is the onset. */
function badDeploy(stage: Stage): Deployed {
  const { rng, profile, problemAt } = stage;
  const bad = deploy(stage, problemAt);
  stage.problemAt = takesTrafficAt(bad.rollout);
  stage.faults.push(onVersions(severity(rng, profile), plateau(stage.problemAt, 0), bad.rollout.version));
  dependentsFail(stage);
  return bad;
}

/**
 * Two changes within eight minutes, one of them the cause: two deploys of the service, or one deploy and a change of a dependency, of the
 * configuration, or of infrastructure. If monitoring distinguishes versions and only one fails, the case is of another kind
 * (`among_others`).
 */
export const twoDeploys: Scene = (stage) => {
  const { rng } = stage;
  usualChanges(stage);
  const pair = rng.weighted({ ownOwn: 40, ownAndDependency: 25, ownAndSettings: 20, ownAndInfrastructure: 15 });
  const { cause, both } = PAIRS[pair](stage);
  dependentsFail(stage);
  return (evidence) => {
    const near = both.every((change) => {
      const later = seemsLater(evidence, change);
      // A change that began clearly after the problem is not a second suspect.
      return later > -SUSPECT_MINUTES * 60 && later <= TOLERANCE_SECONDS;
    });
    return near && singledOut(evidence) === null ? { cause: cause.id, right: 'ask' } : null;
  };
};

const SECONDS_APART = { min: 30, max: 480 };

type Pair = { cause: WorldChange; both: readonly WorldChange[] };

const PAIRS = {
  ownOwn: (stage: Stage): Pair => {
    const { rng, profile, problemAt } = stage;
    const older = deploy(stage, problemAt);
    const newer = deploy(stage, problemAt + rng.between(SECONDS_APART.min, SECONDS_APART.max));
    const cause = rng.chance(0.5) ? older : newer;
    // The newer version is built on the older one, so it has the same fault.
    const bad = cause === older ? [older, newer] : [newer];
    stage.problemAt = takesTrafficAt(cause.rollout);
    const versions = bad.map(({ rollout }) => rollout.version);
    stage.faults.push(onVersions(severity(rng, profile), plateau(stage.problemAt, 0), ...versions));
    return { cause: cause.change, both: [older.change, newer.change] };
  },
  ownAndDependency: (stage: Stage): Pair =>
    ownAnd(stage, (at) => addChange(stage, stage.landscape.dependencies[0], 'deploy', at)),
  ownAndSettings: (stage: Stage): Pair =>
    ownAnd(stage, (at) => addChange(stage, stage.landscape.service, stage.rng.pick(['config', 'flag']), at)),
  ownAndInfrastructure: (stage: Stage): Pair =>
    ownAnd(stage, (at) => {
      const shared = stage.landscape.dependencies.find(({ relation }) => relation === 'shared');
      return addChange(stage, shared ?? stage.landscape.dependencies[0], 'infrastructure', at);
    }),
};

function ownAnd(stage: Stage, change: (at: number) => WorldChange): Pair {
  const { rng, profile, problemAt } = stage;
  const apart = rng.between(SECONDS_APART.min, SECONDS_APART.max) * (rng.chance(0.5) ? 1 : -1);
  const own = deploy(stage, problemAt);
  const other = change(problemAt + apart);
  const size = severity(rng, profile);
  if (rng.chance(0.5)) {
    stage.problemAt = takesTrafficAt(own.rollout);
    stage.faults.push(onVersions(size, plateau(stage.problemAt, 0), own.rollout.version));
    return { cause: own.change, both: [own.change, other] };
  }
  stage.problemAt = other.startedAt + rng.between(1, 60);
  stage.faults.push(onAll(size, plateau(stage.problemAt, rng.between(0, 120))));
  return { cause: other, both: [own.change, other] };
}

/**
 * A bad deploy whose fix has already been shipped when the alert fires. A rollback would undo the fix, or a version that no
 * longer runs. In a fifth of the cases the fix does not help: then a person must decide.
 */
export const fixShipped: Scene = (stage) => {
  const { rng, profile } = stage;
  usualChanges(stage);
  const rule = { ...profile.rule, forSeconds: rng.pick([120, 300, 300]) };
  stage.profile = { ...profile, rule, strategy: rng.weighted({ instant: 45, rolling: 55 }) };
  const bad = deploy(stage, stage.problemAt);
  stage.problemAt = takesTrafficAt(bad.rollout);
  const kind = rng.weighted({ rollback: 5, hotfix: 3, deploy: 2 });
  const back = kind === 'rollback' ? { kind, version: versionOf(stage, 0) } : { kind };
  const fix = deploy(stage, stage.problemAt + rng.between(60, 540), back);
  const helps = kind === 'rollback' || rng.chance(0.6);
  const failing = helps ? [bad] : [bad, fix];
  stage.faults.push(
    onVersions(severity(rng, profile), plateau(stage.problemAt, 0), ...failing.map(({ rollout }) => rollout.version)),
  );
  return (evidence) => {
    if (!isKnown(evidence, bad.change) || !isKnown(evidence, fix.change)) return null;
    return { cause: bad.change.id, right: helps ? 'do_not_roll_back' : 'ask' };
  };
};
