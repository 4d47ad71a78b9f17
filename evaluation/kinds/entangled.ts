import type { Evidence } from '../../domain/correlation/evidence.ts';
import { millisOf } from '../../schemas/time/time.ts';
import type { Label } from '../case.ts';
import { onsetMillis, singledOut, SUSPECT_MINUTES } from '../observables.ts';
import { takesTrafficAt } from '../world/rollout.ts';
import { onAll, onVersions, plateau, severity } from '../world/shapes.ts';
import { addChange, deploy, type Deployed, type Stage, versionOf } from '../world/stage.ts';
import type { Happened } from '../world/world.ts';
import { dependentsFail, isKnown, nothingCausedIt, type Scene, usualChanges } from './scene.ts';

/** Where the times or the order of changes lead astray. */

/** Change and onset, as the records have it; in seconds, above 0 when the change seems to come later. NaN: unknown. */
const seemsLater = (evidence: Evidence, { id }: Happened): number => {
  const found = evidence.changes.find(({ change }) => change.id === id);
  return found === undefined ? Number.NaN : (millisOf(found.change.started_at) - onsetMillis(evidence)) / 1000;
};

const TOLERANCE_SECONDS = 90;

/** The deploy is recorded to have begun after the onset, by up to a minute and a half. */
export const clockSkew: Scene = (stage) => {
  usualChanges(stage);
  stage.profile = { ...stage.profile, recording: { ...stage.profile.recording, how: 'both' } };
  return SKEWS[stage.r.weighted({ ahead: 55, after: 45 })](stage);
};

const SKEWS = {
  /** The deploy is the cause; by its clock, which is ahead, it begins after the onset. Only a person may tell. */
  ahead: (stage: Stage) => {
    const bad = badDeploy(stage);
    const toTraffic = takesTrafficAt(bad.rollout) - bad.rollout.startedAt;
    bad.change.recording = { ...bad.change.recording, clock: toTraffic + stage.r.between(10, 200) };
    return (evidence: Evidence): Label | null => {
      const later = seemsLater(evidence, bad.change);
      return later > 0 && later <= TOLERANCE_SECONDS ? { cause: bad.change.id, right: 'ask' } : null;
    };
  },
  /** Something else began, and a deploy within the minute and a half after it: it is not the cause. */
  after: (stage: Stage) => {
    elsewhere(stage);
    const late = deploy(stage, stage.troubleAt + stage.r.between(5, 180));
    return (evidence: Evidence): Label | null => {
      const later = seemsLater(evidence, late.change);
      return later > 0 && later <= TOLERANCE_SECONDS ? nothingCausedIt() : null;
    };
  },
};

function elsewhere(stage: Stage): void {
  const { r, troubleAt, profile } = stage;
  stage.faults.push(onAll(severity(r, profile), plateau(troubleAt, r.pick([0, 0, 30, 90]))));
  dependentsFail(stage);
}

/** A deploy whose version fails as soon as it takes traffic. The trouble begins then. */
function badDeploy(stage: Stage): Deployed {
  const { r, profile, troubleAt } = stage;
  const bad = deploy(stage, troubleAt);
  stage.troubleAt = takesTrafficAt(bad.rollout);
  stage.faults.push(onVersions(severity(r, profile), plateau(stage.troubleAt, 0), bad.rollout.version));
  dependentsFail(stage);
  return bad;
}

/**
 * Two changes within eight minutes, one of them the cause: two deploys of the service, or one of them and one of a
 * dependency, of its configuration, of infrastructure. Where versions are told apart and only one fails, it is
 * another kind (`among_others`).
 */
export const twoDeploys: Scene = (stage) => {
  const { r } = stage;
  usualChanges(stage);
  const pair = r.weighted({ ownOwn: 40, ownAndDependency: 25, ownAndSettings: 20, ownAndInfrastructure: 15 });
  const { cause, both } = PAIRS[pair](stage);
  dependentsFail(stage);
  return (evidence) => {
    const near = both.every((change) => {
      const later = seemsLater(evidence, change);
      // What began clearly after the problem is no second suspect.
      return later > -SUSPECT_MINUTES * 60 && later <= TOLERANCE_SECONDS;
    });
    return near && singledOut(evidence) === null ? { cause: cause.id, right: 'ask' } : null;
  };
};

const APART = { min: 30, max: 480 };

type Pair = { cause: Happened; both: readonly Happened[] };

const PAIRS = {
  ownOwn: (stage: Stage): Pair => {
    const { r, profile, troubleAt } = stage;
    const older = deploy(stage, troubleAt);
    const newer = deploy(stage, troubleAt + r.between(APART.min, APART.max));
    const cause = r.chance(0.5) ? older : newer;
    // What the older one does wrong, the newer one, built on it, does as well.
    const bad = cause === older ? [older, newer] : [newer];
    stage.troubleAt = takesTrafficAt(cause.rollout);
    const versions = bad.map(({ rollout }) => rollout.version);
    stage.faults.push(onVersions(severity(r, profile), plateau(stage.troubleAt, 0), ...versions));
    return { cause: cause.change, both: [older.change, newer.change] };
  },
  ownAndDependency: (stage: Stage): Pair =>
    ownAnd(stage, (at) => addChange(stage, stage.landscape.dependencies[0], 'deploy', at)),
  ownAndSettings: (stage: Stage): Pair =>
    ownAnd(stage, (at) => addChange(stage, stage.landscape.service, stage.r.pick(['config', 'flag']), at)),
  ownAndInfrastructure: (stage: Stage): Pair =>
    ownAnd(stage, (at) => {
      const shared = stage.landscape.dependencies.find(({ relation }) => relation === 'shared');
      return addChange(stage, shared ?? stage.landscape.dependencies[0], 'infrastructure', at);
    }),
};

function ownAnd(stage: Stage, change: (at: number) => Happened): Pair {
  const { r, profile, troubleAt } = stage;
  const apart = r.between(APART.min, APART.max) * (r.chance(0.5) ? 1 : -1);
  const own = deploy(stage, troubleAt);
  const other = change(troubleAt + apart);
  const size = severity(r, profile);
  if (r.chance(0.5)) {
    stage.troubleAt = takesTrafficAt(own.rollout);
    stage.faults.push(onVersions(size, plateau(stage.troubleAt, 0), own.rollout.version));
    return { cause: own.change, both: [own.change, other] };
  }
  stage.troubleAt = other.startedAt + r.between(1, 60);
  stage.faults.push(onAll(size, plateau(stage.troubleAt, r.between(0, 120))));
  return { cause: other, both: [own.change, other] };
}

/**
 * A bad deploy, and somebody has already shipped the way out of it when the alert comes. To roll back now would undo
 * the fix, or what is long gone. In a fifth the newer one does not help: then a person has to see.
 */
export const fixShipped: Scene = (stage) => {
  const { r, profile } = stage;
  usualChanges(stage);
  const rule = { ...profile.rule, forSeconds: r.pick([120, 300, 300]) };
  stage.profile = { ...profile, rule, strategy: r.weighted({ instant: 45, rolling: 55 }) };
  const bad = deploy(stage, stage.troubleAt);
  stage.troubleAt = takesTrafficAt(bad.rollout);
  const kind = r.weighted({ rollback: 5, hotfix: 3, deploy: 2 });
  const back = kind === 'rollback' ? { kind, version: versionOf(stage, 0) } : { kind };
  const fix = deploy(stage, stage.troubleAt + r.between(60, 540), back);
  const helps = kind === 'rollback' || r.chance(0.6);
  const failing = helps ? [bad] : [bad, fix];
  stage.faults.push(
    onVersions(severity(r, profile), plateau(stage.troubleAt, 0), ...failing.map(({ rollout }) => rollout.version)),
  );
  return (evidence) => {
    if (!isKnown(evidence, bad.change) || !isKnown(evidence, fix.change)) return null;
    return { cause: bad.change.id, right: helps ? 'do_not_roll_back' : 'ask' };
  };
};
