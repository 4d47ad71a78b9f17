import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { millisOf } from '../../../../schemas/time/time.ts';
import type { Label, PositiveKind } from '../case.ts';
import { onsetMillis, singledOut } from '../observables.ts';
import { shareAt, takesTrafficAt } from '../world/rollout.ts';
import { growth, onAll, onVersions, plateau, severity } from '../world/shapes.ts';
import { addChange, deploy, type Deployed, fails, type Stage } from '../world/stage.ts';
import type { WorldChange } from '../world/world.ts';
import { anyDeploy, dependentsFail, isKnown, type Scene, usualChanges } from './scene.ts';

/** Cases with a recorded change as the cause. */

/** Labels the case: a rollback is wanted, unless the records show the change after the onset. Then a person must decide. */
function undo(cause: WorldChange, right: Label['right'] = 'roll_back') {
  return (evidence: Evidence): Label | null => {
    const found = evidence.changes.find(({ change }) => change.id === cause.id);
    if (found === undefined) return null;
    const later = millisOf(found.change.started_at) > onsetMillis(evidence);
    return { cause: cause.id, right: later ? 'ask' : right };
  };
}

/** A deploy whose version fails `onset` seconds after it takes traffic. */
function failing(stage: Stage, onset = 0, more: Parameters<typeof deploy>[2] = {}): Deployed {
  const { rng, profile, problemAt } = stage;
  const bad = deploy(stage, problemAt, more);
  stage.problemAt = takesTrafficAt(bad.rollout) + onset;
  const size = severity(rng, profile);
  stage.faults.push(onVersions(size, plateau(stage.problemAt, rng.pick([0, 0, 0, 60])), bad.rollout.version));
  dependentsFail(stage);
  return bad;
}

/** Fails at once (85 in 100) or some minutes later. In one of ten cases, the old version fails as a consequence. */
const badDeploy: Scene = (stage) => {
  const { rng, profile } = stage;
  usualChanges(stage);
  const bad = failing(stage, rng.chance(0.85) ? 0 : rng.between(60, 360));
  if (rng.chance(0.1)) {
    const { rollout } = bad;
    const size = severity(rng, profile, 0.5);
    stage.faults.push(({ t }) => size * shareAt(rollout, t) * Number(t >= stage.problemAt));
  }
  return undo(bad.change);
};

/** A leak in the new version: no errors at first, above the limit 8 to 75 minutes later. */
const slowBurn: Scene = (stage) => {
  const { rng, profile, problemAt } = stage;
  usualChanges(stage);
  const size = severity(rng, profile);
  const power = rng.between(1, 3);
  const slow = rng.scale(480, 4500);
  const full = slow / Math.min(0.9, (profile.limit * profile.rule.factor) / size) ** (1 / power);
  const bad = deploy(stage, problemAt - slow);
  const from = takesTrafficAt(bad.rollout);
  stage.faults.push(onVersions(size, growth(from, from + full, power), bad.rollout.version));
  stage.problemAt = problemAt - Math.min(600, slow / 2);
  return undo(bad.change);
};

/** A canary fails badly on a few percent of the traffic. */
const smallCanary: Scene = (stage) => {
  const { rng, profile } = stage;
  usualChanges(stage);
  const bad = deploy(stage, stage.problemAt, { weight: rng.pick([0.01, 0.02, 0.05, 0.05, 0.1]) });
  stage.problemAt = takesTrafficAt(bad.rollout);
  stage.profile = { ...profile, rule: { ...profile.rule, factor: 1 } };
  stage.faults.push(onVersions(rng.scale(0.15, 1), plateau(stage.problemAt, 0), bad.rollout.version));
  return undo(bad.change);
};

/** A configuration change of the service, active within a minute. Deploys of the service can be near. */
const badSettings =
  (kind: 'config' | 'flag', most: number): Scene =>
  (stage) => {
    const { rng, profile, problemAt } = stage;
    usualChanges(stage);
    if (rng.chance(0.4)) anyDeploy(stage);
    const bad = addChange(stage, stage.landscape.service, kind, problemAt, { hasMigration: false });
    stage.problemAt = problemAt + rng.between(1, 20);
    stage.faults.push(onAll(severity(rng, profile, most), plateau(stage.problemAt, rng.between(0, 60))));
    dependentsFail(stage);
    return undo(bad);
  };

/** A deploy of a dependency breaks the dependency and the service. Three in four dependencies are monitored. */
const dependencyDeploy: Scene = (stage) => {
  const { rng, profile, problemAt, landscape } = stage;
  usualChanges(stage);
  if (rng.chance(0.4)) anyDeploy(stage);
  const dependency = landscape.dependencies[0];
  const lasts = rng.between(20, 500);
  const bad = addChange(stage, dependency, 'deploy', problemAt, { finishedAt: problemAt + lasts, hasMigration: false });
  stage.problemAt = problemAt + rng.between(10, 60);
  stage.faults.push(onAll(severity(rng, profile), plateau(stage.problemAt, lasts)));
  if (rng.chance(0.75)) fails(stage, dependency, stage.problemAt + rng.between(-20, 60), { min: 60, max: 420 });
  for (const other of landscape.unrelated) {
    if (dependency.relation === 'shared' && rng.chance(0.3))
      fails(stage, other, stage.problemAt + rng.between(0, 90), SOON);
  }
  dependentsFail(stage);
  return undo(bad);
};

const SOON = { min: 60, max: 420 };

/** Instances fail while they warm up, and are healthy afterwards. No rollback is wanted, also while they still fail. */
const coldStart: Scene = (stage) => {
  const { rng, profile } = stage;
  usualChanges(stage);
  const bad = deploy(stage, stage.problemAt);
  const [from, warm] = [takesTrafficAt(bad.rollout), rng.scale(45, 300)];
  stage.problemAt = from;
  const size = severity(rng, profile);
  // Instances that started in the last `warm` seconds are cold.
  const cold = (t: number) => {
    const share = shareAt(bad.rollout, t);
    return share === 0 ? 0 : (share - shareAt(bad.rollout, t - warm)) / share;
  };
  stage.faults.push(({ t, version }) => (version === bad.rollout.version ? size * cold(t) : 0));
  return undo(bad.change, 'ask');
};

/** Few requests: ratios jump between 0 and high values. */
const lowTraffic: Scene = (stage) => {
  const { rng, profile } = stage;
  usualChanges(stage);
  stage.profile = { ...profile, requestsPerSecond: rng.scale(0.05, 0.8), window: rng.pick([120, 300, 300]) };
  const bad = failing(stage);
  stage.faults.push(onVersions(rng.between(0.1, 0.5), plateau(stage.problemAt, 0), bad.rollout.version));
  return undo(bad.change);
};

/** Other changes within minutes, but metrics by version show the cause. */
const amongOthers: Scene = (stage) => {
  const { rng, profile, landscape, problemAt } = stage;
  usualChanges(stage);
  stage.profile = {
    ...profile,
    strategy: rng.pick(['rolling', 'canary', 'canary']),
    known: { ...profile.known, health: true, versions: true },
  };
  const by = rng.chance(0.5) ? landscape.service : rng.pick(landscape.dependencies);
  const kind = by.relation === 'same' ? rng.pick(['config', 'flag'] as const) : 'deploy';
  addChange(stage, by, kind, problemAt + rng.between(-480, 30));
  const bad = failing(stage);
  const { version } = bad.rollout;
  return (evidence) => (singledOut(evidence) === version ? undo(bad.change)(evidence) : null);
};

/** The rollback could lose data, so a person must decide. */
const withMigration: Scene = (stage) => {
  usualChanges(stage);
  const bad = failing(stage, 0, { hasMigration: true });
  return (evidence) => (isKnown(evidence, bad.change) ? { cause: bad.change.id, right: 'ask' } : null);
};

export const positiveScenes: Record<PositiveKind, Scene> = {
  bad_deploy: badDeploy,
  slow_burn: slowBurn,
  small_canary: smallCanary,
  bad_config: badSettings('config', 0.95),
  bad_flag: badSettings('flag', 0.5),
  dependency_deploy: dependencyDeploy,
  cold_start: coldStart,
  low_traffic: lowTraffic,
  among_others: amongOthers,
  with_migration: withMigration,
};
