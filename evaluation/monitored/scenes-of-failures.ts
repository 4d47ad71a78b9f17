import { both, pulses, ramp, type Shape, step } from './faults.ts';
import type { ClassName } from './labels.ts';
import { innocent, limitOf, type Scene, type SceneOf, serious } from './scene.ts';
import { burnRule, train } from './scenes-of-changes.ts';
import { measureErrors, runningBefore, type Stage, Unsuitable } from './stage.ts';

/** Probability of an innocent deploy in two hours, in classes without one by definition. */
const INNOCENT = 0.5;

/** Course of an outside failure: sudden, or growing for a minute or more. */
const drawnCourse = ({ r, onset }: Stage): Shape => (r.chance(0.7) ? step(onset) : ramp(onset, r.scale(20, 300)));

/** Lets others fail with the focus, each with this probability. */
function othersToo({ r, services, focus, fault }: Stage, shape: Shape, probability: number): void {
  for (const service of services)
    if (service !== focus && service.layer < 3 && r.chance(probability))
      fault(service, shape, { errors: r.scale(0.03, 0.6) });
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
function failing(stage: Stage, isDeclared: boolean): Scene {
  measureErrors(stage);
  const { r, focus, onset, fault } = stage;
  const dependency = stage.dependency(isDeclared);
  innocent(stage, INNOCENT);
  const coupling = focus.calls.find(({ to }) => to === dependency.name)?.coupling ?? 1;
  const errors = Math.min(0.98, Math.max(r.scale(0.08, 0.95), (2.5 * limitOf(focus)) / coupling));
  fault(dependency, drawnCourse(stage), { errors });
  return { cause: null, begins: onset };
}

/** More traffic than the service can serve. */
function overloaded(stage: Stage, grows: Shape, factor: number): Scene {
  measureErrors(stage);
  const { focus, fault, onset } = stage;
  innocent(stage, INNOCENT);
  fault(focus, grows, { traffic: factor });
  fault(focus, both(grows, grows), { errors: serious(stage) });
  return { cause: null, begins: onset };
}

export const scenesOfFailures = {
  dependency_fails: (stage) => failing(stage, true),
  undeclared_fails: (stage) => failing(stage, false),

  shared_fails: (stage) => {
    measureErrors(stage);
    const { r, focus, onset, services, fault, callersOf } = stage;
    const shared = services.filter(
      (one) =>
        one.layer >= 2 &&
        callersOf(one).length >= 3 &&
        focus.calls.some(({ to, coupling }) => to === one.name && coupling > 0.2),
    );
    const chosen = shared[r.whole(0, shared.length - 1)];
    if (chosen === undefined) throw new Unsuitable('nothing is shared');
    innocent(stage, INNOCENT);
    const coupling = focus.calls.find(({ to }) => to === chosen.name)?.coupling ?? 1;
    const errors = Math.min(0.98, Math.max(r.scale(0.1, 0.95), (2.5 * limitOf(focus)) / coupling));
    fault(chosen, drawnCourse(stage), { errors });
    return { cause: null, begins: onset };
  },

  third_party: (stage) => {
    const { r, onset } = stage;
    const [period, length] = [r.between(300, 900), r.between(90, 280)];
    const shape = r.chance(0.25) ? both(step(onset), pulses(onset, period, length)) : undefined;
    const scene = outside(stage, { deploys: INNOCENT, others: 0.12, ...(shape && { shape }) });
    return shape === undefined ? scene : { ...scene, traceFrom: onset + period + 60 };
  },

  traffic_spike: (stage) => overloaded(stage, ramp(stage.onset, stage.r.scale(20, 900)), stage.r.scale(2, 8)),
  load_test: (stage) =>
    overloaded(stage, step(stage.onset, stage.onset + stage.r.between(1200, 3600)), stage.r.scale(3, 15)),

  train_none_bad: (stage) => {
    const scene = outside(stage, { deploys: 0, others: 0.1 });
    train(stage, stage.onset + stage.r.between(-900, 120));
    return scene;
  },

  redeploy: (stage) => {
    const { r, focus, onset, deploy } = stage;
    const scene = outside(stage, { deploys: 0, others: 0.1 });
    const start = onset + r.between(-1800, 60);
    const running = runningBefore(stage, focus, start);
    deploy(focus, start, {
      mode: r.pick(['rolling', 'at_once']),
      migration: false,
      ...(running !== null && { version: running }),
    });
    return scene;
  },

  other_environment: (stage) => {
    const { r, focus, onset, recorded, deploy } = stage;
    const scene = outside(stage, { deploys: 0.25, others: 0.1 });
    const elsewhere = deploy(focus, onset + r.between(-900, 30), { mode: 'at_once', migration: false });
    stage.rollouts.splice(stage.rollouts.indexOf(elsewhere), 1);
    const record = recorded.find(({ id }) => id === elsewhere.id);
    if (record !== undefined) record.environment = r.pick(['staging', 'production-eu', 'test']);
    return scene;
  },

  burn_rate_innocent: (stage) => {
    const budget = burnRule(stage);
    const { r, focus, onset, deploy, fault } = stage;
    fault(focus, r.chance(0.6) ? step(onset) : ramp(onset, r.scale(60, 900)), { errors: budget * r.scale(18, 80) });
    const between = deploy(focus, onset + r.scale(20, 900), { migration: false });
    return { cause: null, begins: onset, judgedFrom: between.start + 20 };
  },

  absent_samples: (stage) => {
    const { r, focus, onset, deploy, fault } = stage;
    measureErrors(stage);
    deploy(focus, onset + r.between(-900, 30), { migration: false });
    const unlisted = r.chance(0.5);
    fault(focus, step(onset), unlisted ? { unlisted: true } : { unscraped: r.between(0.6, 1) });
    focus.rule = unlisted
      ? { ...focus.rule, form: 'absent', alertname: focus.rule.alertname.replace(/Errors|Slow/, 'Absent') }
      : {
          ...focus.rule,
          form: 'up',
          level: 0.7,
          alertname: focus.rule.alertname.replace(/Errors|Slow/, 'TargetsDown'),
        };
    return { cause: null, begins: onset, isOnRecord: true };
  },

  slow_leak: (stage) => {
    measureErrors(stage);
    const { r, focus, onset, fault } = stage;
    innocent(stage, INNOCENT);
    const seconds = r.scale(1200, 7200);
    fault(focus, ramp(onset - seconds / 2, seconds, r.between(1.5, 4)), { errors: serious(stage) });
    return { cause: null, begins: onset - seconds / 2, traceFrom: -Infinity };
  },

  hourly_batch: (stage) => {
    const { r, onset } = stage;
    const [period, length] = [r.pick([900, 1800, 3600]), r.between(150, 480)];
    const shape = pulses(onset, period, length);
    return { ...outside(stage, { deploys: INNOCENT, others: 0, shape }), traceFrom: -Infinity, mayFireBefore: true };
  },

  noisy_alert: (stage) => {
    measureErrors(stage);
    const { r, focus, onset } = stage;
    innocent(stage, INNOCENT);
    if (focus.health.form === 'none') focus.health.form = 'ratio';
    focus.rate = r.scale(0.5, 20);
    focus.baseErrors = limitOf(focus) * r.between(0.45, 0.85);
    focus.rule = { ...focus.rule, form: 'health', level: 1, forSeconds: 0 };
    return { cause: null, begins: onset, traceFrom: -Infinity, mayFireBefore: true };
  },

  sparse_noise: (stage) => {
    measureErrors(stage);
    const { r, focus, onset } = stage;
    innocent(stage, INNOCENT);
    if (focus.health.form === 'none') focus.health.form = 'ratio';
    focus.rate = r.scale(0.02, 0.2);
    focus.baseErrors = r.scale(0.004, 0.03);
    if (r.chance(0.5)) focus.monitoring.delay = r.between(30, 150);
    focus.rule = { ...focus.rule, form: 'health', level: 1, forSeconds: r.pick([0, 0, 60]) };
    return { cause: null, begins: onset, traceFrom: -Infinity, mayFireBefore: true };
  },

  lazy_series: (stage) => {
    measureErrors(stage);
    const { r, focus, onset, deploy, fault } = stage;
    focus.monitoring.hasLazyErrors = true;
    focus.identity = 'pods';
    focus.rate = r.scale(0.3, 8);
    focus.baseErrors = 1e-6;
    focus.rule = { ...focus.rule, forSeconds: r.pick([0, 0, 60]) };
    deploy(focus, onset + r.between(-900, -10), { migration: false });
    fault(focus, step(onset, onset + r.between(45, 200)), { errors: serious(stage) });
    return { cause: null, begins: onset, endsByItself: true };
  },

  late_deploy: (stage) => {
    const { r, focus, onset, deploy, delivery } = stage;
    const scene = outside(stage, { deploys: 0, others: 0.1 });
    const gap = r.between(10, 120);
    deploy(focus, onset + gap, { mode: r.pick(['rolling', 'at_once']), migration: false });
    delivery.skew = -(gap + r.between(5, 90));
    delivery.reports = r.pick(['both', 'start']);
    return { ...scene, judgedFrom: onset + gap + delivery.delay };
  },

  many_at_once: (stage) => {
    measureErrors(stage);
    const { r, services, focus, onset, fault } = stage;
    innocent(stage, INNOCENT);
    for (const service of services) {
      if (service !== focus && !r.chance(0.75)) continue;
      const slots = Array.from({ length: Math.ceil(service.instances / r.pick([1, 2])) }, (_, slot) => slot);
      fault(service, step(onset + r.between(0, 60)), { slots, errors: Math.max(0.2, serious(stage)) });
    }
    return { cause: null, begins: onset };
  },

  already_over: (stage) => {
    const { r, onset } = stage;
    return {
      ...outside(stage, { deploys: INNOCENT, others: 0.1, shape: step(onset, onset + r.between(90, 420)) }),
      endsByItself: true,
    };
  },

  rollback_did_not_help: (stage) => {
    const { r, focus, onset, recorded, deploy } = stage;
    const pause = r.between(900, 1500);
    const shape: Shape = (at) => (at < onset || (at >= onset + pause && at < onset + pause + 420) ? 0 : 1);
    const scene = outside(stage, { deploys: 0, others: 0.1, shape });
    const before = runningBefore(stage, focus, onset - 3600) ?? 'unknown';
    const suspected = deploy(focus, onset - r.between(30, 1500), { mode: 'rolling', seconds: 60, migration: false });
    const at = onset + r.between(240, 600);
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
    const { r, services, focus, onset, fault } = stage;
    innocent(stage, 1);
    const count = Math.max(1, Math.round(focus.instances * r.between(0.15, 0.5)));
    const slots = Array.from({ length: count }, (_, index) => focus.instances - 1 - index);
    const errors = Math.min(0.98, Math.max(r.between(0.4, 1), (2 * limitOf(focus) * focus.instances) / count));
    fault(focus, step(onset), { slots, errors });
    for (const service of services)
      if (service !== focus && r.chance(0.3)) fault(service, step(onset), { slots: [0], errors: r.between(0.4, 1) });
    return { cause: null, begins: onset };
  },

  network: (stage) => outside(stage, { deploys: 1, others: stage.r.chance(0.5) ? 0.4 : 0 }),
  certificate: (stage) =>
    outside(stage, { deploys: 1, others: stage.r.chance(0.3) ? 0.3 : 0, shape: step(stage.onset) }),
  bad_data: (stage) => outside(stage, { deploys: 1, others: 0 }),

  canary_noise: (stage) => {
    const { r, focus, onset, deploy, delivery } = stage;
    focus.monitoring.isVersioned = true;
    focus.health.hasByVersion = true;
    focus.rate = r.scale(0.5, 30);
    delivery.reports = 'both';
    const scene = outside(stage, { deploys: 0, others: 0.1 });
    deploy(focus, onset + r.between(-900, 60), { mode: 'canary', share: r.scale(0.01, 0.1), migration: false });
    return scene;
  },
} satisfies Partial<Record<ClassName, SceneOf>>;
