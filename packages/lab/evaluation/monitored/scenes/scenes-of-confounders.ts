/**
 * Scenes in which the instances of a version have more in common than the version: their age, their machine, their region,
 * or what they read at their start. Each fault acts on instances by its mechanism, and the version in the metrics is that of
 * the instance, so that a comparison of versions can be deceived. `labels.ts` describes each class.
 */
import type { ConfounderClassName } from '../labels.ts';
import type { Service } from '../services.ts';
import { measureErrors, runningBefore, type Stage, Unsuitable } from '../stage.ts';
import { both, decay, type Fault, pulses, ramp, type Shape, step } from './faults.ts';
import type { Instance, Rollout } from './rollouts.ts';
import { limitOf, type Scene, type SceneOf, serious } from './scene.ts';

/** Factor of the health limit that the errors of all must reach, so that the alert fires. */
const CLEARLY = 1.5;

/** Id of an incident before the one that is judged. */
const EARLIER_INCIDENT = '01J0000000000000000000EAR1';

/** Lets metrics tell versions apart, by enough requests to each. */
export function comparable(stage: Stage): void {
  measureErrors(stage);
  const { focus, rng, delivery } = stage;
  focus.monitoring.isVersioned = true;
  focus.health.hasByVersion = true;
  if (focus.health.form === 'none') focus.health.form = 'ratio';
  focus.instances = Math.max(focus.instances, rng.whole(3, 6));
  focus.rate = Math.max(focus.rate, rng.scale(2, 60));
  delivery.reports = 'both';
}

/** Deploys the focus so that both versions serve at the onset: a slow rollout, or a canary. */
export function halfDone({ rng, focus, onset, deploy }: Stage): Rollout {
  if (rng.chance(0.3))
    return deploy(focus, onset - rng.between(60, 200), {
      mode: 'canary',
      share: rng.scale(0.1, 0.4),
      migration: false,
    });
  const seconds = rng.scale(900, 3600);
  return deploy(focus, onset - seconds * rng.between(0.25, 0.6), { mode: 'rolling', seconds, migration: false });
}

/** Style of a rollout whose old instances go on for some time, mostly. */
const style = ({ rng }: Stage) => {
  const mode = rng.weighted({ rolling: 5, canary: 3, at_once: 2 });
  return {
    mode,
    migration: false,
    ...(mode === 'rolling' && { seconds: rng.scale(300, 2400) }),
    ...(mode === 'canary' && { share: rng.scale(0.1, 0.4) }),
  };
};

export const isLive = ({ from, until }: Instance, at: number): boolean => from <= at && at < until;

/** Returns the share of the traffic of one instance while both versions serve. */
const shareOf = ({ isCanary }: Instance, rollout: Rollout, { instances }: Service): number =>
  isCanary && rollout.mode === 'canary' ? (rollout.steps[0]?.share ?? 0) : 1 / instances;

/** @throws Unsuitable if a failure of this share of the requests would raise no alert */
function mustShow({ focus }: Stage, share: number): void {
  if (share < CLEARLY * limitOf(focus)) throw new Unsuitable('too few requests fail');
}

/** Lets a machine fail under one of these instances of the focus, with what else runs on it. Databases have their own. */
export function failUnder(
  stage: Stage,
  rollout: Rollout,
  candidates: readonly Instance[],
  shape: Shape,
  errors: number,
  more: Partial<Fault> = {},
): void {
  const { rng, focus, services, fault } = stage;
  const chosen = candidates[rng.whole(0, candidates.length - 1)];
  if (chosen === undefined) throw new Unsuitable('no such instance');
  mustShow(stage, errors * shareOf(chosen, rollout, focus));
  for (const service of services) if (service.layer < 3) fault(service, shape, { node: chosen.node, errors, ...more });
}

/** What is wrong is read at the start of an instance, whichever version it runs. */
function readAtStart(stage: Stage, since: number): Pick<Scene, 'begins'> {
  const { rng, focus, fault, restarts } = stage;
  // Machines are drained, and processes crash: an older version starts again, too.
  if (rng.chance(0.35))
    restarts.push({ service: focus.name, slot: focus.instances - 1, at: stage.onset + rng.between(30, 600) });
  fault(focus, step(since), { startedSince: since, errors: serious(stage) });
  return { begins: Math.min(...stage.instances(focus).flatMap(({ from }) => (from >= since ? [from] : []))) };
}

const configAtStart =
  (isRecorded: boolean): SceneOf =>
  (stage) => {
    comparable(stage);
    const { rng, focus, onset, deploy, change } = stage;
    deploy(focus, onset + rng.between(-60, 60), style(stage));
    const cause = isRecorded ? change(focus, 'config', onset) : null;
    return { cause, ...readAtStart(stage, onset) };
  };

/** A good version whose instances fail while their caches are cold. */
const coldStart =
  (mode: 'rolling' | 'canary'): SceneOf =>
  (stage) => {
    comparable(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    const cause = deploy(focus, onset, {
      mode,
      migration: false,
      ...(mode === 'rolling' ? { seconds: rng.scale(120, 1200) } : { share: rng.scale(0.1, 0.4) }),
    });
    // A canary gets few requests, and warms up slowly.
    const halfLife = mode === 'rolling' ? rng.scale(30, 200) : rng.scale(60, 400);
    fault(focus, () => 1, { byAge: decay(0, halfLife), errors: rng.between(0.4, 0.97) });
    focus.rule.forSeconds = rng.pick([0, 0, 60]);
    const begins = Math.min(...stage.instances(focus).flatMap(({ from }) => (from >= onset ? [from] : [])));
    return { cause, begins, endsByItself: true };
  };

/** A bad deploy beside which the old version goes on. */
export function badDeploy(stage: Stage, more: Partial<Fault> = {}): { cause: Rollout; begins: number } {
  const { rng, focus, onset, deploy, fault } = stage;
  const options = style(stage);
  const cause = deploy(focus, onset - rng.between(5, 40), options);
  const errors = Math.min(0.97, serious(stage) / (options.share ?? 1));
  fault(focus, step(onset), { versions: [cause.version], errors, ...more });
  return { cause, begins: Math.max(onset, cause.start) };
}

/** A failure from outside while a good deploy is half done. */
function outsideBeside(stage: Stage, shape: Shape): Rollout {
  const rollout = halfDone(stage);
  stage.fault(stage.focus, shape, { errors: serious(stage) });
  return rollout;
}

/** A rollback of a deploy, as its CD system records it. */
function undo(stage: Stage, rollout: Rollout, at: number): Rollout {
  const { focus, recorded, deploy } = stage;
  const version = runningBefore(stage, focus, rollout.start) ?? 'unknown';
  const undone = deploy(focus, at, { mode: 'rolling', seconds: 30, migration: false, version });
  for (const one of recorded) {
    if (one.id === rollout.id) one.rolledBackBy = { incident: EARLIER_INCIDENT, at };
    if (one.id === undone.id) Object.assign(one, { kind: 'rollback', madeFor: EARLIER_INCIDENT });
  }
  return undone;
}

/** An earlier incident, whose rollback was verified. Returns when it failed, and the version that was rolled back. */
function earlierIncident(stage: Stage): { from: number; until: number; version: string } {
  const { rng, focus, onset, deploy } = stage;
  const from = onset - rng.between(3000, 5400);
  const until = from + rng.between(300, 700);
  const suspected = deploy(focus, from - rng.between(40, 300), { mode: 'rolling', seconds: 30, migration: false });
  undo(stage, suspected, until - 30);
  stage.earlier = { opened: from + 90, mitigated: until, resolved: until + 900 };
  return { from, until, version: suspected.version };
}

export const scenesOfConfounders = {
  config_at_start: configAtStart(false),
  config_at_start_recorded: configAtStart(true),

  sidecar_at_start: (stage) => {
    comparable(stage);
    const { rng, services, focus, onset, fault } = stage;
    const since = onset - rng.scale(600, 9000);
    const rollout = halfDone(stage);
    // What runs since before keeps its old sidecar.
    if (rollout.start < since) throw new Unsuitable('the rollout began before');
    if (rng.chance(0.5))
      for (const one of services)
        if (one !== focus && one.layer < 3)
          fault(one, step(since), { startedSince: since, errors: rng.scale(0.03, 0.6) });
    return { cause: null, ...readAtStart(stage, since) };
  },

  node_under_new: (stage) => {
    comparable(stage);
    const { rng, focus, onset } = stage;
    const rollout = halfDone(stage);
    const under = stage.instances(focus).filter((one) => isLive(one, onset) && one.version === rollout.version);
    failUnder(stage, rollout, under, step(onset), rng.between(0.4, 1));
    return { cause: null, begins: onset };
  },

  noisy_neighbour: (stage) => {
    comparable(stage);
    const { rng, focus, onset } = stage;
    const rollout = halfDone(stage);
    const shape = rng.chance(0.5)
      ? ramp(onset, rng.scale(20, 200))
      : both(step(onset), pulses(onset, rng.between(200, 500), rng.between(90, 180)));
    const live = stage.instances(focus).filter((one) => isLive(one, onset));
    failUnder(stage, rollout, live, shape, rng.between(0.1, 0.6));
    return { cause: null, begins: onset };
  },

  partial_region: (stage) => {
    comparable(stage);
    const { rng, services, focus, onset, deploy, fault } = stage;
    const seconds = rng.scale(1200, 3600);
    deploy(focus, onset - seconds * rng.between(0.4, 0.55), { mode: 'rolling', seconds, migration: false });
    const errors = Math.min(0.97, 2 * serious(stage));
    const isEverywhere = rng.chance(0.5);
    for (const service of services)
      if (service === focus || (isEverywhere && service.layer < 3))
        fault(service, step(onset), { region: 'a', errors });
    return { cause: null, begins: onset };
  },

  cold_start_rolling: coldStart('rolling'),
  cold_start_canary: coldStart('canary'),

  retry_storm: (stage) => {
    comparable(stage);
    const { rng, focus, onset, fault } = stage;
    const dependency = stage.dependency(true);
    halfDone(stage);
    // Clients that retry keep the service overloaded after what began it has ended.
    fault(dependency, step(onset, onset + rng.between(20, 120)), { errors: rng.between(0.4, 0.95) });
    const storm = step(onset + rng.between(5, 20));
    fault(focus, storm, { traffic: rng.scale(2.5, 6) });
    fault(focus, storm, { errors: serious(stage) });
    return { cause: null, begins: onset };
  },

  herd: (stage) => {
    comparable(stage);
    const { rng, onset, focus, fault } = stage;
    const wave = decay(onset, rng.between(60, 240));
    outsideBeside(stage, both(wave, wave));
    fault(focus, wave, { traffic: rng.scale(3, 10) });
    focus.rule.forSeconds = rng.pick([0, 0, 60]);
    return { cause: null, begins: onset, endsByItself: true };
  },

  errors_labelled_since: (stage) => {
    comparable(stage);
    const { focus, onset } = stage;
    const before = runningBefore(stage, focus, onset);
    outsideBeside(stage, step(onset));
    focus.rule.form = 'health';
    if (before !== null) focus.monitoring.labelling = { fault: 'successes', versions: [before] };
    return { cause: null, begins: onset };
  },

  late_end_innocent: (stage) => {
    comparable(stage);
    const { rng, focus, onset, recorded, deploy, fault } = stage;
    const seconds = rng.scale(10, 90);
    const rollout = deploy(focus, onset - seconds - rng.between(5, 120), {
      mode: rng.pick(['at_once', 'rolling']),
      seconds,
      migration: false,
    });
    // The CD system watches the new version before it reports the end.
    for (const one of recorded) if (one.id === rollout.id) one.finish = rollout.finish + rng.scale(120, 1200);
    fault(focus, step(onset), { errors: serious(stage) });
    return { cause: null, begins: onset };
  },

  explained_recurs: (stage) => {
    comparable(stage);
    const { rng, onset, focus, deploy, fault } = stage;
    const { from, until } = earlierIncident(stage);
    if (rng.chance(0.5)) halfDone(stage);
    else deploy(focus, onset - rng.between(60, 300), { mode: 'at_once', seconds: rng.scale(5, 40), migration: false });
    const shape: Shape = (at) => (at >= onset || (at >= from && at < until) ? 1 : 0);
    fault(focus, shape, { errors: serious(stage) });
    return { cause: null, begins: onset, judgedFrom: onset, mayFireBefore: true };
  },

  flag_after_deploy: (stage) => {
    comparable(stage);
    const { rng, focus, onset, deploy, change, fault } = stage;
    const rollout = rng.chance(0.7)
      ? halfDone(stage)
      : deploy(focus, onset - rng.between(300, 1500), { mode: 'rolling', seconds: 60, migration: false });
    const cause = change(focus, 'flag', onset - rng.scale(0.5, 20));
    // Only the new version has the code behind the flag.
    const users = rng.pick([0.25, 0.5, 1]);
    fault(focus, step(onset), { versions: [rollout.version], errors: users * rng.between(0.3, 0.97) });
    return { cause, begins: onset };
  },

  labels_late_deploy: (stage) => {
    comparable(stage);
    stage.focus.monitoring.labelling = { fault: 'late', seconds: stage.rng.scale(90, 900) };
    return badDeploy(stage);
  },

  labels_lost_deploy: (stage) => {
    comparable(stage);
    const bad = badDeploy(stage);
    stage.focus.rule.form = 'health';
    stage.focus.monitoring.labelling = { fault: 'lost', startedSince: bad.cause.start };
    return bad;
  },

  errors_unlabelled_deploy: (stage) => {
    comparable(stage);
    const { focus, onset } = stage;
    const before = runningBefore(stage, focus, onset) ?? 'unknown';
    const bad = badDeploy(stage);
    focus.rule.form = 'health';
    focus.monitoring.labelling = { fault: 'successes', versions: [before, bad.cause.version] };
    return bad;
  },

  late_records_deploy: (stage) => {
    comparable(stage);
    const { rng, delivery } = stage;
    delivery.delay = rng.scale(30, 400);
    delivery.skew = (rng.chance(0.5) ? 1 : -1) * rng.between(30, 240);
    return badDeploy(stage);
  },

  explained_deploy: (stage) => {
    comparable(stage);
    const { focus, fault } = stage;
    const { from, until, version } = earlierIncident(stage);
    fault(focus, step(from, until), { versions: [version], errors: serious(stage) });
    return { ...badDeploy(stage), judgedFrom: stage.onset, mayFireBefore: true };
  },

  second_deploy_in_verification: (stage) => {
    comparable(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    const undone = onset - rng.between(360, 840);
    const from = undone - rng.between(200, 500);
    const first = deploy(focus, from - 40, { mode: 'rolling', seconds: 30, migration: false });
    fault(focus, step(from), { versions: [first.version], errors: serious(stage) });
    const { finish } = undo(stage, first, undone - 30);
    stage.recovered = { opened: from + 60, at: finish };
    return { ...badDeploy(stage), judgedFrom: onset, mayFireBefore: true };
  },
} satisfies Record<ConfounderClassName, SceneOf>;
