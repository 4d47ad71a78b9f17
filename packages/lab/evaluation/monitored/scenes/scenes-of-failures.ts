/**
 * Scenes of which no recorded change is the cause; `labels.ts` describes each class. The focus is the service whose alert
 * is judged. `measureErrors` replaces a health query of latency by one of errors.
 */
import { both, pulses, ramp, type Shape, step } from './faults.ts';
import type { ClassName } from '../labels.ts';
import { innocent, limitOf, type Scene, type SceneOf, serious } from './scene.ts';
import { burnRule, train } from './scenes-of-changes.ts';
import { measureErrors, runningBefore, type Stage, Unsuitable } from '../stage.ts';

/** Probability of an innocent deploy in two hours, in classes without one by definition. */
const INNOCENT = 0.5;

/** Course of an outside failure: sudden, or growing for a minute or more. */
const drawnCourse = ({ rng, onset }: Stage): Shape => (rng.chance(0.7) ? step(onset) : ramp(onset, rng.scale(20, 300)));

/** Lets others fail with the focus, each with this probability. */
function othersToo({ rng, services, focus, fault }: Stage, shape: Shape, probability: number): void {
  for (const service of services)
    if (service !== focus && service.layer < 3 && rng.chance(probability))
      fault(service, shape, { errors: rng.scale(0.03, 0.6) });
}

/** A failure of the focus without a recorded change. */
function outside(stage: Stage, options: { deploys: number; others: number; shape?: Shape }): Scene {
  measureErrors(stage);
  const { onset, focus, fault } = stage;
  innocent(stage, options.deploys);
  const shape = options.shape ?? drawnCourse(stage);
  fault(focus, shape, { errors: serious(stage) });
  othersToo(stage, shape, options.others);
  return { cause: null, begins: onset };
}

/** A failure of a dependency by itself. */
function dependencyFails(stage: Stage, isDeclared: boolean): Scene {
  measureErrors(stage);
  return failure(stage, stage.dependency(isDeclared), 0.08);
}

/** @param errorsMin least share of errors of the dependency */
function failure(stage: Stage, dependency: Stage['focus'], errorsMin: number): Scene {
  const { rng, focus, onset, fault } = stage;
  innocent(stage, INNOCENT);
  const coupling = focus.calls.find(({ to }) => to === dependency.name)?.coupling ?? 1;
  // Enough that the errors of the focus clearly exceed its health limit.
  const errors = Math.min(0.98, Math.max(rng.scale(errorsMin, 0.95), (2.5 * limitOf(focus)) / coupling));
  fault(dependency, drawnCourse(stage), { errors });
  return { cause: null, begins: onset };
}

/** More traffic than the service can serve. */
function overloaded(stage: Stage, grows: Shape, factor: number): Scene {
  measureErrors(stage);
  const { focus, fault, onset } = stage;
  innocent(stage, INNOCENT);
  fault(focus, grows, { traffic: factor });
  // Errors grow with the square of the traffic.
  fault(focus, both(grows, grows), { errors: serious(stage) });
  return { cause: null, begins: onset };
}

export const scenesOfFailures = {
  dependency_fails: (stage) => dependencyFails(stage, true),
  undeclared_fails: (stage) => dependencyFails(stage, false),

  shared_fails: (stage) => {
    measureErrors(stage);
    const { rng, focus, services, callersOf } = stage;
    const shared = services.filter(
      (one) =>
        one.layer >= 2 &&
        callersOf(one).length >= 3 &&
        focus.calls.some(({ to, coupling }) => to === one.name && coupling > 0.2),
    );
    const chosen = shared[rng.whole(0, shared.length - 1)];
    if (chosen === undefined) throw new Unsuitable('nothing is shared');
    return failure(stage, chosen, 0.1);
  },

  third_party: (stage) => {
    const { rng, onset } = stage;
    const [period, length] = [rng.between(300, 900), rng.between(90, 280)];
    const shape = rng.chance(0.25) ? both(step(onset), pulses(onset, period, length)) : undefined;
    const scene = outside(stage, { deploys: INNOCENT, others: 0.12, ...(shape && { shape }) });
    // The failure recurs after a period, and is visible a minute later.
    return shape === undefined ? scene : { ...scene, traceFrom: onset + period + 60 };
  },

  traffic_spike: (stage) => overloaded(stage, ramp(stage.onset, stage.rng.scale(20, 900)), stage.rng.scale(2, 8)),
  load_test: (stage) =>
    overloaded(stage, step(stage.onset, stage.onset + stage.rng.between(1200, 3600)), stage.rng.scale(3, 15)),

  train_none_bad: (stage) => {
    const scene = outside(stage, { deploys: 0, others: 0.1 });
    train(stage, stage.onset + stage.rng.between(-900, 120));
    return scene;
  },

  redeploy: (stage) => {
    const { rng, focus, onset, deploy } = stage;
    const scene = outside(stage, { deploys: 0, others: 0.1 });
    const start = onset + rng.between(-1800, 60);
    const running = runningBefore(stage, focus, start);
    deploy(focus, start, {
      mode: rng.pick(['rolling', 'at_once']),
      migration: false,
      ...(running !== null && { version: running }),
    });
    return scene;
  },

  other_environment: (stage) => {
    const { rng, focus, onset, recorded, deploy } = stage;
    const scene = outside(stage, { deploys: 0.25, others: 0.1 });
    const elsewhere = deploy(focus, onset + rng.between(-900, 30), { mode: 'at_once', migration: false });
    // The deploy is recorded, but no instance of the simulated environment runs it.
    stage.rollouts.splice(stage.rollouts.indexOf(elsewhere), 1);
    const record = recorded.find(({ id }) => id === elsewhere.id);
    if (record !== undefined) record.environment = rng.pick(['staging', 'production-eu', 'test']);
    return scene;
  },

  burn_rate_innocent: (stage) => {
    const budget = burnRule(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    fault(focus, rng.chance(0.6) ? step(onset) : ramp(onset, rng.scale(60, 900)), {
      errors: budget * rng.scale(18, 80),
    });
    const between = deploy(focus, onset + rng.scale(20, 900), { migration: false });
    return { cause: null, begins: onset, judgedFrom: between.start + 20 };
  },

  absent_samples: (stage) => {
    const { rng, focus, onset, deploy, fault } = stage;
    measureErrors(stage);
    deploy(focus, onset + rng.between(-900, 30), { migration: false });
    const unlisted = rng.chance(0.5);
    fault(focus, step(onset), unlisted ? { unlisted: true } : { unscraped: rng.between(0.6, 1) });
    focus.rule = unlisted
      ? { ...focus.rule, form: 'absent', alertname: focus.rule.alertname.replace(/Errors|Slow/, 'Absent') }
      : {
          ...focus.rule,
          form: 'up',
          level: 0.7,
          alertname: focus.rule.alertname.replace(/Errors|Slow/, 'TargetsDown'),
        };
    // An absent() alert shows that monitoring fails. Failing scrapes show it only beside a health query: without one, a
    // version that crashes looks the same.
    const isOnRecord = unlisted || focus.health.form !== 'none';
    return { cause: null, begins: onset, ...(isOnRecord && { isOnRecord: true as const }) };
  },

  slow_leak: (stage) => {
    measureErrors(stage);
    const { rng, focus, onset, fault } = stage;
    innocent(stage, INNOCENT);
    const seconds = rng.scale(1200, 7200);
    fault(focus, ramp(onset - seconds / 2, seconds, rng.between(1.5, 4)), { errors: serious(stage) });
    return { cause: null, begins: onset - seconds / 2 };
  },

  hourly_batch: (stage) => {
    const { rng, onset } = stage;
    const [period, length] = [rng.pick([900, 1800, 3600]), rng.between(150, 480)];
    const shape = pulses(onset, period, length);
    return { ...outside(stage, { deploys: INNOCENT, others: 0, shape }), traceFrom: -Infinity, mayFireBefore: true };
  },

  noisy_alert: (stage) => {
    measureErrors(stage);
    const { rng, focus, onset } = stage;
    innocent(stage, INNOCENT);
    if (focus.health.form === 'none') focus.health.form = 'ratio';
    focus.rate = rng.scale(0.5, 20);
    focus.baseErrors = limitOf(focus) * rng.between(0.45, 0.85);
    focus.rule = { ...focus.rule, form: 'health', level: 1, forSeconds: 0 };
    return { cause: null, begins: onset, traceFrom: -Infinity, mayFireBefore: true };
  },

  sparse_noise: (stage) => {
    measureErrors(stage);
    const { rng, focus, onset } = stage;
    innocent(stage, INNOCENT);
    if (focus.health.form === 'none') focus.health.form = 'ratio';
    focus.rate = rng.scale(0.02, 0.2);
    focus.baseErrors = rng.scale(0.004, 0.03);
    if (rng.chance(0.5)) focus.monitoring.delay = rng.between(30, 150);
    focus.rule = { ...focus.rule, form: 'health', level: 1, forSeconds: rng.pick([0, 0, 60]) };
    return { cause: null, begins: onset, traceFrom: -Infinity, mayFireBefore: true };
  },

  lazy_series: (stage) => {
    measureErrors(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    focus.monitoring.hasLazyErrors = true;
    focus.identity = 'pods';
    focus.rate = rng.scale(0.3, 8);
    focus.baseErrors = 1e-6;
    focus.rule = { ...focus.rule, forSeconds: rng.pick([0, 0, 60]) };
    deploy(focus, onset + rng.between(-900, -10), { migration: false });
    fault(focus, step(onset, onset + rng.between(45, 200)), { errors: serious(stage) });
    return { cause: null, begins: onset, endsByItself: true };
  },

  late_deploy: (stage) => {
    const { rng, focus, onset, deploy, delivery } = stage;
    const scene = outside(stage, { deploys: 0, others: 0.1 });
    const gap = rng.between(10, 120);
    deploy(focus, onset + gap, { mode: rng.pick(['rolling', 'at_once']), migration: false });
    // The clock of the CD system is so far behind that the recorded start is before the onset.
    delivery.skew = -(gap + rng.between(5, 90));
    delivery.reports = rng.pick(['both', 'start']);
    return { ...scene, judgedFrom: onset + gap + delivery.delay };
  },

  many_at_once: (stage) => {
    measureErrors(stage);
    const { rng, services, focus, onset, fault } = stage;
    innocent(stage, INNOCENT);
    for (const service of services) {
      if (service !== focus && !rng.chance(0.75)) continue;
      const slots = Array.from({ length: Math.ceil(service.instances / rng.pick([1, 2])) }, (_, slot) => slot);
      fault(service, step(onset + rng.between(0, 60)), { slots, errors: Math.max(0.2, serious(stage)) });
    }
    return { cause: null, begins: onset };
  },

  already_over: (stage) => {
    const { rng, onset } = stage;
    return {
      ...outside(stage, { deploys: INNOCENT, others: 0.1, shape: step(onset, onset + rng.between(90, 420)) }),
      endsByItself: true,
    };
  },

  rollback_did_not_help: (stage) => {
    const { rng, focus, onset, recorded, deploy } = stage;
    const pause = rng.between(900, 1500);
    // Errors stop for seven minutes after the rollback, so that the alert fires a second time, which is judged.
    const shape: Shape = (at) => (at < onset || (at >= onset + pause && at < onset + pause + 420) ? 0 : 1);
    const scene = outside(stage, { deploys: 0, others: 0.1, shape });
    const before = runningBefore(stage, focus, onset - 3600) ?? 'unknown';
    const suspected = deploy(focus, onset - rng.between(30, 1500), { mode: 'rolling', seconds: 60, migration: false });
    const at = onset + rng.between(240, 600);
    const undone = deploy(focus, at, { mode: 'rolling', seconds: 60, migration: false, version: before });
    const incident = '01J0000000000000000000EAR1';
    for (const one of recorded) {
      if (one.id === suspected.id) one.rolledBackBy = { incident, at };
      if (one.id === undone.id) Object.assign(one, { kind: 'rollback', madeFor: incident });
    }
    return { ...scene, judgedFrom: onset + pause + 420, mayFireBefore: true, isOnRecord: true };
  },

  machine: (stage) => {
    measureErrors(stage);
    const { rng, services, focus, onset, fault } = stage;
    innocent(stage, 1);
    const count = Math.max(1, Math.round(focus.instances * rng.between(0.15, 0.5)));
    const slots = Array.from({ length: count }, (_, index) => focus.instances - 1 - index);
    // Enough that the errors of all instances together clearly exceed the health limit.
    const errors = Math.min(0.98, Math.max(rng.between(0.4, 1), (2 * limitOf(focus) * focus.instances) / count));
    fault(focus, step(onset), { slots, errors });
    for (const service of services)
      if (service !== focus && rng.chance(0.3))
        fault(service, step(onset), { slots: [0], errors: rng.between(0.4, 1) });
    return { cause: null, begins: onset };
  },

  network: (stage) => outside(stage, { deploys: 1, others: stage.rng.chance(0.5) ? 0.4 : 0 }),
  certificate: (stage) =>
    outside(stage, { deploys: 1, others: stage.rng.chance(0.3) ? 0.3 : 0, shape: step(stage.onset) }),
  bad_data: (stage) => outside(stage, { deploys: 1, others: 0 }),

  canary_noise: (stage) => {
    const { rng, focus, onset, deploy, delivery } = stage;
    focus.monitoring.isVersioned = true;
    focus.health.hasByVersion = true;
    focus.rate = rng.scale(0.5, 30);
    delivery.reports = 'both';
    const scene = outside(stage, { deploys: 0, others: 0.1 });
    deploy(focus, onset + rng.between(-900, 60), { mode: 'canary', share: rng.scale(0.01, 0.1), migration: false });
    return scene;
  },
} satisfies Partial<Record<ClassName, SceneOf>>;
