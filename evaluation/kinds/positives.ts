import type { Evidence } from '../../domain/correlation/evidence.ts';
import { millisOf } from '../../schemas/time/time.ts';
import type { Label, PositiveKind } from '../case.ts';
import { onsetMillis, singledOut, valuesBetween } from '../observables.ts';
import { shareAt, takesTrafficAt } from '../world/rollout.ts';
import { growth, onAll, onVersions, plateau, severity } from '../world/shapes.ts';
import { addChange, deploy, type Deployed, fails, type Stage } from '../world/stage.ts';
import type { Happened } from '../world/world.ts';
import { anyDeploy, dependentsFail, isKnown, type Scene, usualChanges } from './scene.ts';

/** What a recorded change has caused. */

/**
 * The change is to be undone, unless the records say that it began after the onset: then a careful engineer looks
 * first, whatever the truth turns out to be.
 */
function undo(cause: Happened, right: Label['right'] = 'roll_back') {
  return (evidence: Evidence): Label | null => {
    const found = evidence.changes.find(({ change }) => change.id === cause.id);
    if (found === undefined) return null;
    const later = millisOf(found.change.started_at) > onsetMillis(evidence);
    return { cause: cause.id, right: later ? 'ask' : right };
  };
}

/** A deploy whose version fails from the moment it takes traffic, or soon after; `onset` seconds later. */
function failing(stage: Stage, onset = 0, more: Parameters<typeof deploy>[2] = {}): Deployed {
  const { r, profile, troubleAt } = stage;
  const bad = deploy(stage, troubleAt, more);
  stage.troubleAt = takesTrafficAt(bad.rollout) + onset;
  const size = severity(r, profile);
  stage.faults.push(onVersions(size, plateau(stage.troubleAt, r.pick([0, 0, 0, 60])), bad.rollout.version));
  dependentsFail(stage);
  return bad;
}

/** At once (85 in 100), or some minutes later; in one of ten it takes the old version down with it. */
const badDeploy: Scene = (stage) => {
  const { r, profile } = stage;
  usualChanges(stage);
  const bad = failing(stage, r.chance(0.85) ? 0 : r.between(60, 360));
  if (r.chance(0.1)) {
    const { rollout } = bad;
    const size = severity(r, profile, 0.5);
    stage.faults.push(({ t }) => size * shareAt(rollout, t) * Number(t >= stage.troubleAt));
  }
  return undo(bad.change);
};

/** A leak in the new version: nothing at first, the limit some 8 to 75 minutes later. */
const slowBurn: Scene = (stage) => {
  const { r, profile, troubleAt } = stage;
  usualChanges(stage);
  const size = severity(r, profile);
  const power = r.between(1, 3);
  const slow = r.scale(480, 4500);
  const full = slow / Math.min(0.9, (profile.limit * profile.rule.factor) / size) ** (1 / power);
  const bad = deploy(stage, troubleAt - slow);
  const from = takesTrafficAt(bad.rollout);
  stage.faults.push(onVersions(size, growth(from, from + full, power), bad.rollout.version));
  stage.troubleAt = troubleAt - Math.min(600, slow / 2);
  return undo(bad.change);
};

/** It fails badly on a few per cent of the traffic. */
const smallCanary: Scene = (stage) => {
  const { r, profile } = stage;
  usualChanges(stage);
  const bad = deploy(stage, stage.troubleAt, { weight: r.pick([0.01, 0.02, 0.05, 0.05, 0.1]) });
  stage.troubleAt = takesTrafficAt(bad.rollout);
  stage.profile = { ...profile, rule: { ...profile.rule, factor: 1 } };
  stage.faults.push(onVersions(r.scale(0.15, 1), plateau(stage.troubleAt, 0), bad.rollout.version));
  return undo(bad.change);
};

/** A setting of the service, in force within a minute. Its own deploys may be near, too. */
const badSettings =
  (kind: 'config' | 'flag', most: number): Scene =>
  (stage) => {
    const { r, profile, troubleAt } = stage;
    usualChanges(stage);
    if (r.chance(0.4)) anyDeploy(stage);
    const bad = addChange(stage, stage.landscape.service, kind, troubleAt, { hasMigration: false });
    stage.troubleAt = troubleAt + r.between(1, 20);
    stage.faults.push(onAll(severity(r, profile, most), plateau(stage.troubleAt, r.between(0, 60))));
    dependentsFail(stage);
    return undo(bad);
  };

/** A dependency ships what breaks it, and with it the service. Three in four of them are watched. */
const dependencyDeploy: Scene = (stage) => {
  const { r, profile, troubleAt, landscape } = stage;
  usualChanges(stage);
  if (r.chance(0.4)) anyDeploy(stage);
  const who = landscape.dependencies[0];
  const lasts = r.between(20, 500);
  const bad = addChange(stage, who, 'deploy', troubleAt, { finishedAt: troubleAt + lasts, hasMigration: false });
  stage.troubleAt = troubleAt + r.between(10, 60);
  stage.faults.push(onAll(severity(r, profile), plateau(stage.troubleAt, lasts)));
  if (r.chance(0.75)) fails(stage, who, stage.troubleAt + r.between(-20, 60), { min: 60, max: 420 });
  for (const other of landscape.unrelated) {
    if (who.relation === 'shared' && r.chance(0.3)) fails(stage, other, stage.troubleAt + r.between(0, 90), SOON);
  }
  dependentsFail(stage);
  return undo(bad);
};

const SOON = { min: 60, max: 420 };

/** Instances fail while they warm up, and are well afterwards. Once it is over there is nothing left to undo. */
const coldStart: Scene = (stage) => {
  const { r, profile } = stage;
  usualChanges(stage);
  const bad = deploy(stage, stage.troubleAt);
  const [from, warm] = [takesTrafficAt(bad.rollout), r.scale(45, 300)];
  stage.troubleAt = from;
  const size = severity(r, profile);
  // Of the instances that there are, those of the last `warm` seconds are cold.
  const cold = (t: number) => {
    const share = shareAt(bad.rollout, t);
    return share === 0 ? 0 : (share - shareAt(bad.rollout, t - warm)) / share;
  };
  stage.faults.push(({ t, version }) => (version === bad.rollout.version ? size * cold(t) : 0));
  return (evidence) => undo(bad.change, isStillBad(evidence) ? 'roll_back' : 'ask')(evidence);
};

function isStillBad({ health, at }: Evidence): boolean {
  const last = valuesBetween(health?.curve ?? [], millisOf(at) - 60_000, millisOf(at)).at(-1);
  return last === undefined || health === null || last > health.max;
}

/** A request now and then: ratios jump between nothing and much. */
const lowTraffic: Scene = (stage) => {
  const { r, profile } = stage;
  usualChanges(stage);
  stage.profile = { ...profile, requestsPerSecond: r.scale(0.05, 0.8), window: r.pick([120, 300, 300]) };
  const bad = failing(stage);
  stage.faults.push(onVersions(r.between(0.1, 0.5), plateau(stage.troubleAt, 0), bad.rollout.version));
  return undo(bad.change);
};

/** Other changes within minutes, but the versions tell which one it is. */
const amongOthers: Scene = (stage) => {
  const { r, profile, landscape, troubleAt } = stage;
  usualChanges(stage);
  stage.profile = {
    ...profile,
    strategy: r.pick(['rolling', 'canary', 'canary']),
    known: { ...profile.known, health: true, versions: true },
  };
  const by = r.chance(0.5) ? landscape.service : r.pick(landscape.dependencies);
  const kind = by.relation === 'same' ? r.pick(['config', 'flag'] as const) : 'deploy';
  addChange(stage, by, kind, troubleAt + r.between(-480, 30));
  const bad = failing(stage);
  const { version } = bad.rollout;
  return (evidence) => (singledOut(evidence) === version ? undo(bad.change)(evidence) : null);
};

/** The way back may lose data: nobody should go it alone. */
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
