import { both, decay, ramp, step } from './faults.ts';
import type { ClassName } from '../labels.ts';
import { innocent, limitOf, type SceneOf, serious } from './scene.ts';
import { measureErrors, measureLatency, type Stage, Unsuitable } from '../stage.ts';

/** A bad deploy of the focus, whose errors begin as soon as it takes traffic, or some minutes later. */
const badDeploy =
  (mode: 'at_once' | 'rolling' | 'canary' | undefined, prepare: (stage: Stage) => void = () => undefined): SceneOf =>
  (stage) => {
    measureErrors(stage);
    prepare(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    const share = mode === 'canary' ? rng.scale(0.05, 0.3) : undefined;
    const cause = deploy(focus, onset - rng.between(5, 40), {
      ...(mode && { mode }),
      ...(share && { share }),
      migration: false,
    });
    const lag = mode !== 'canary' && rng.chance(0.25) ? rng.scale(20, 480) : 0;
    const errors = Math.min(
      0.98,
      share === undefined ? serious(stage) : Math.max(serious(stage), (2 * limitOf(focus)) / share),
    );
    if (share !== undefined && errors * share < 1.3 * limitOf(focus)) throw new Unsuitable('the canary is too small');
    fault(focus, step(onset + lag), { versions: [cause.version], errors });
    return { cause, begins: Math.max(onset + lag, cause.start) };
  };

const labelled = (isLabelled: boolean) => (stage: Stage) => {
  const { focus } = stage;
  focus.monitoring.isVersioned = isLabelled;
  focus.health.hasByVersion = isLabelled;
  if (focus.health.form === 'none') focus.health.form = 'ratio';
  if (!isLabelled && focus.rule.form === 'by_version') focus.rule.form = 'health';
  focus.rate = Math.max(focus.rate, stage.rng.scale(1, 60));
  stage.delivery.reports = 'both';
};

const twoDeploys =
  (isFirstBad: boolean): SceneOf =>
  (stage) => {
    measureErrors(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    const gap = rng.between(120, 900);
    const mode = () => rng.pick(['at_once', 'rolling'] as const);
    const firstStart = isFirstBad ? onset - rng.between(5, 60) : onset - gap;
    const first = deploy(focus, firstStart, { mode: mode(), seconds: rng.scale(5, gap * 0.8), migration: false });
    const second = deploy(focus, firstStart + gap, { mode: mode(), migration: false });
    const bad = isFirstBad ? first : second;
    const versions = isFirstBad ? [first.version, second.version] : [second.version];
    const lag = isFirstBad && rng.chance(0.6) ? rng.between(0, gap) : 0;
    fault(focus, step(bad.start + lag), { versions, errors: serious(stage) });
    return { cause: bad, begins: bad.start + lag };
  };

/** A failing other service or change, beside which deploys of the focus are innocent with this probability. */
const INNOCENT = 0.4;

const ownChange =
  (kind: 'config' | 'flag'): SceneOf =>
  (stage) => {
    measureErrors(stage);
    const { rng, focus, onset, change, fault } = stage;
    innocent(stage, INNOCENT);
    const cause = change(focus, kind, onset - rng.scale(0.5, 30));
    const users = kind === 'flag' ? rng.pick([0.05, 0.1, 0.25, 0.5, 1]) : 1;
    const errors = Math.min(0.97, Math.max(users * rng.between(0.2, 1), 2 * limitOf(focus)));
    fault(focus, rng.chance(0.3) ? ramp(onset, rng.scale(30, 400)) : step(onset), { errors });
    return { cause, begins: onset };
  };

/** Deploys several services within minutes. Returns the rollout of the focus. */
export function train(stage: Stage, end: number) {
  const { rng, focus, services, deploy } = stage;
  const others = services.filter((one) => one !== focus && one.layer < 3 && rng.chance(0.85)).slice(0, 11);
  if (others.length < 4) throw new Unsuitable('too few services for a train');
  const start = end - rng.scale(60, 900);
  for (const other of others) deploy(other, rng.between(start, end), { mode: rng.pick(['rolling', 'at_once']) });
  return deploy(focus, rng.between(start, end), { mode: rng.pick(['rolling', 'at_once']), migration: false });
}

const burnRule = ({ focus, rng }: Stage): number => {
  measureErrorsOf(focus);
  const budget = rng.pick([0.001, 0.002, 0.005]);
  focus.baseErrors = Math.min(focus.baseErrors, budget / 8);
  focus.rate = Math.max(focus.rate, 5);
  focus.rule = { ...focus.rule, form: 'burn', level: budget, forSeconds: rng.pick([0, 60, 120]) };
  return budget;
};

function measureErrorsOf(focus: Stage['focus']): void {
  if (focus.health.form === 'quantile' || focus.health.form === 'none') focus.health.form = 'ratio';
  focus.health.max = Math.min(focus.health.form === 'percent' ? 1 : 0.01, focus.health.max);
}

export { burnRule };

/** A bad deploy of a dependency, which shows errors as well. */
const dependencyDeploy =
  (isDeclared: boolean): SceneOf =>
  (stage) => {
    measureErrors(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    const dependency = stage.dependency(isDeclared);
    innocent(stage, INNOCENT);
    const mode = rng.weighted({ at_once: 3, rolling: 5, canary: 1 });
    const cause = deploy(dependency, onset - rng.between(5, 40), {
      mode,
      migration: false,
      ...(mode === 'canary' && { share: 0.25 }),
    });
    const coupling = focus.calls.find(({ to }) => to === dependency.name)?.coupling ?? 1;
    const errors = Math.min(0.98, Math.max(rng.scale(0.1, 0.95), (2.5 * limitOf(focus)) / coupling));
    fault(dependency, step(onset), { versions: [cause.version], errors });
    return { cause, begins: onset };
  };

/** A deploy of a caller that sends bad requests, or more of them. */
const callerDeploy =
  (isDeclared: boolean): SceneOf =>
  (stage) => {
    measureErrors(stage);
    const { rng, focus, onset, deploy, fault, callersOf } = stage;
    const callers = callersOf(focus, isDeclared);
    const caller = callers[rng.whole(0, callers.length - 1)];
    if (caller === undefined) throw new Unsuitable('no caller');
    innocent(stage, INNOCENT);
    const seconds = rng.scale(10, 600);
    const cause = deploy(caller, onset, { mode: 'rolling', seconds, migration: false });
    const grows = ramp(onset + seconds / Math.max(2, caller.instances), seconds);
    if (rng.chance(0.5)) fault(focus, grows, { errors: serious(stage) });
    else {
      fault(focus, grows, { traffic: rng.scale(2, 6) });
      fault(focus, both(grows, grows), { errors: serious(stage) });
    }
    return { cause, begins: onset };
  };

export const scenesOfChanges = {
  deploy_at_once: badDeploy('at_once'),
  deploy_rolling: badDeploy('rolling'),
  canary_labelled: badDeploy('canary', labelled(true)),
  canary_unlabelled: badDeploy('canary', labelled(false)),

  canary_small: (stage) => {
    measureErrors(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    labelled(rng.chance(0.7))(stage);
    const share = rng.scale(0.005, 0.04);
    const errors = rng.between(0.3, 0.98);
    focus.baseErrors = Math.min(focus.baseErrors, (share * errors) / 20);
    focus.rate = Math.max(focus.rate, rng.scale(20, 400));
    if (focus.monitoring.isVersioned && rng.chance(0.5)) focus.rule.form = 'by_version';
    else
      focus.health.max = Number(((share * errors) / 2.2).toPrecision(1)) * (focus.health.form === 'percent' ? 100 : 1);
    focus.rule.level = 1;
    const cause = deploy(focus, onset - rng.between(5, 40), { mode: 'canary', share, migration: false });
    fault(focus, step(onset), { versions: [cause.version], errors });
    return { cause, begins: onset };
  },

  crash: (stage) => {
    measureErrors(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    const cause = deploy(focus, onset - rng.between(5, 30), {
      mode: rng.pick(['at_once', 'rolling']),
      migration: false,
    });
    fault(focus, step(onset - 60), {
      versions: [cause.version],
      crashSeconds: rng.scale(8, 70),
      errors: Math.max(serious(stage), 0.3),
    });
    if (rng.chance(0.45)) focus.rule = { ...focus.rule, form: 'up', level: 0.7 };
    return { cause, begins: cause.start };
  },

  latency: (stage) => {
    measureLatency(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    const cause = deploy(focus, onset - rng.between(5, 40), { migration: false });
    fault(focus, step(onset - 60), { versions: [cause.version], slow: rng.scale(4, 20) });
    return { cause, begins: cause.start };
  },

  slow_burn: (stage) => {
    measureErrors(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    const cause = deploy(focus, onset - rng.between(5, 40), {
      mode: rng.pick(['at_once', 'rolling']),
      migration: false,
    });
    const begins = cause.finish + rng.between(0, 300);
    fault(focus, ramp(begins, rng.scale(600, 3600), rng.pick([1, 2])), {
      versions: [cause.version],
      errors: serious(stage),
    });
    return { cause, begins };
  },

  configuration: ownChange('config'),
  flag: ownChange('flag'),

  migration: (stage) => {
    measureErrors(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    const cause = deploy(focus, onset - rng.between(5, 40), {
      mode: rng.pick(['at_once', 'rolling']),
      migration: true,
    });
    const failsOnOldToo = rng.chance(0.5);
    fault(focus, step(onset), { ...(!failsOnOldToo && { versions: [cause.version] }), errors: serious(stage) });
    return { cause, begins: onset };
  },

  dependency_deploy: dependencyDeploy(true),
  caller_deploy: callerDeploy(true),
  undeclared_deploy: dependencyDeploy(false),
  undeclared_caller_deploy: callerDeploy(false),

  shared_change: (stage) => {
    measureErrors(stage);
    const { rng, focus, onset, services, change, fault, callersOf } = stage;
    const shared = services.filter(
      (one) =>
        one.layer >= 2 &&
        callersOf(one).length >= 2 &&
        focus.calls.some(({ to, isDeclared, coupling }) => to === one.name && isDeclared && coupling > 0.2),
    );
    const chosen = shared[rng.whole(0, shared.length - 1)];
    if (chosen === undefined) throw new Unsuitable('nothing is shared');
    innocent(stage, INNOCENT);
    const cause = change(chosen, rng.pick(['infrastructure', 'config']), onset - rng.scale(1, 60));
    const coupling = focus.calls.find(({ to }) => to === chosen.name)?.coupling ?? 1;
    fault(chosen, rng.chance(0.4) ? ramp(onset, rng.scale(30, 300)) : step(onset), {
      errors: Math.min(0.98, Math.max(rng.scale(0.1, 0.9), (2.5 * limitOf(focus)) / coupling)),
    });
    return { cause, begins: onset };
  },

  train_one_bad: (stage) => {
    measureErrors(stage);
    const { focus, onset, fault } = stage;
    const cause = train(stage, onset);
    fault(focus, step(cause.start), { versions: [cause.version], errors: serious(stage) });
    return { cause, begins: cause.start };
  },

  first_of_two_bad: twoDeploys(true),
  second_of_two_bad: twoDeploys(false),

  sparse_deploy: badDeploy(undefined, (stage) => {
    const { focus, rng, delivery } = stage;
    if (rng.chance(0.6)) {
      focus.rate = rng.scale(0.05, 0.6);
      focus.baseErrors = Math.min(focus.baseErrors, 1e-3);
    }
    if (focus.rate > 0.6 || rng.chance(0.4)) focus.monitoring.delay = rng.between(45, 150);
    delivery.reports = 'both';
  }),

  skewed_deploy: badDeploy('at_once', ({ delivery, rng }) => {
    delivery.skew = (rng.chance(0.5) ? 1 : -1) * rng.between(15, 120);
  }),

  burn_rate_deploy: (stage) => {
    const budget = burnRule(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    const cause = deploy(focus, onset - rng.between(5, 40), {
      mode: rng.pick(['at_once', 'rolling']),
      migration: false,
    });
    const later = rng.chance(0.5)
      ? [deploy(focus, cause.finish + rng.scale(120, 1500), { mode: 'rolling', migration: false })]
      : [];
    const versions = [cause, ...later].map(({ version }) => version);
    fault(focus, step(onset), { versions, errors: budget * rng.scale(18, 80) });
    return { cause, begins: onset };
  },

  lazy_series_deploy: badDeploy(undefined, ({ focus, rng }) => {
    focus.monitoring.hasLazyErrors = true;
    focus.baseErrors = rng.scale(1e-7, 1e-5);
  }),

  fix_shipped: (stage) => {
    measureErrors(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    const cause = deploy(focus, onset - rng.between(5, 40), { mode: 'at_once', migration: false });
    fault(focus, step(onset), { versions: [cause.version], errors: serious(stage) });
    focus.rule.forSeconds = rng.pick([120, 300, 600]);
    const fix = deploy(focus, onset + rng.between(100, 600), {
      mode: rng.pick(['at_once', 'rolling']),
      migration: false,
    });
    return { cause, begins: onset, judgedFrom: fix.start };
  },

  cold_start: (stage) => {
    measureErrors(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    const cause = deploy(focus, onset - rng.between(5, 30), { mode: 'at_once', migration: false });
    // An instance of any version is cold after its start.
    fault(focus, () => 1, { byAge: decay(0, rng.between(35, 120)), errors: Math.max(0.15, serious(stage)) });
    focus.rule.forSeconds = rng.pick([0, 0, 60]);
    return { cause, begins: cause.start, endsByItself: true };
  },
} satisfies Partial<Record<ClassName, SceneOf>>;
