import type { AddedClassName } from '../labels.ts';
import { measureErrors, type Stage } from '../stage.ts';
import { both, ramp, type Shape, step } from './faults.ts';
import type { Rollout } from './rollouts.ts';
import { limitOf, type Scene, type SceneOf, serious, USUAL_USAGE } from './scene.ts';

const HOUR = 3600;
const DAY = 86_400;

/** Changes the focus so that its health query is the used share of its memory. */
function measureUsage({ focus, rng }: Stage): void {
  focus.health = { ...focus.health, form: 'usage', max: rng.pick([0.8, 0.85, 0.9, 0.95]), hasByVersion: false };
  focus.rule = {
    ...focus.rule,
    form: 'health',
    level: 1,
    alertname: focus.rule.alertname.replace(/Errors|Slow/, 'Memory'),
  };
}

/** A rise from one time on, to full strength at another, steadily or with traffic that changes over the day. */
function leak({ rng }: Stage, from: number, full: number): Shape {
  const [amplitude, phase] = [rng.chance(0.5) ? rng.between(0.15, 0.65) : 0, rng.between(0, DAY)];
  const turn = (2 * Math.PI) / DAY;
  const leaked = (at: number): number =>
    at - from + (amplitude / turn) * (Math.sin(turn * (at - phase)) - Math.sin(turn * (from - phase)));
  return (at) => (at <= from ? 0 : leaked(at) / leaked(full));
}

/** A leak that passes the limit at the onset. @param versions Absent: whatever runs */
function leaking(
  stage: Stage,
  rises: number,
  versions?: readonly string[],
): Pick<Scene, 'begins' | 'rises' | 'judgedFrom' | 'mayFireBefore'> {
  const { focus, onset, fault } = stage;
  fault(focus, leak(stage, rises, onset), { usage: focus.health.max - USUAL_USAGE, ...(versions && { versions }) });
  return { begins: onset, rises, judgedFrom: Math.max(0, rises) + HOUR, mayFireBefore: true };
}

/** How long a rollout of these classes takes, and how. */
const quick = ({ rng }: Stage) => ({
  mode: rng.pick(['at_once', 'rolling'] as const),
  seconds: rng.scale(20, 240),
  migration: false,
});

/** Lets metrics carry the version, and gives the service enough requests to compare them. */
function watchable({ focus, rng, delivery }: Stage): void {
  focus.monitoring.isVersioned = true;
  focus.rate = Math.max(focus.rate, rng.scale(2, 60));
  delivery.reports = rng.pick(['both', 'end']);
}

/** A failure outside that the incident has been opened for. Returns the share of failing requests. */
function outsideFailure(stage: Stage): number {
  measureErrors(stage);
  if (stage.focus.health.form === 'none') stage.focus.health.form = 'ratio';
  const errors = Math.min(serious(stage), 0.75);
  stage.fault(stage.focus, step(stage.onset), { errors });
  return errors;
}

/** When a deploy during the incident is judged: Firebreak looks 7 and 12 minutes after its report. */
const measuredAfter = ({ rng }: Stage, { finish }: Rollout): number => finish + rng.between(420, 900);

export const scenesOfAddedClasses = {
  leak_after_deploy: (stage) => {
    measureUsage(stage);
    const { rng, focus, onset, deploy } = stage;
    const start = onset - rng.scale(3 * HOUR, 40 * HOUR);
    if (rng.chance(0.5)) deploy(focus, start - rng.between(2 * HOUR, 8 * HOUR), quick(stage));
    const cause = deploy(focus, start, quick(stage));
    return { cause, ...leaking(stage, cause.finish, [cause.version]) };
  },

  leak_without_deploy: (stage) => {
    measureUsage(stage);
    const { rng, focus, onset, deploy } = stage;
    for (let count = rng.whole(1, 3); count > 0; count -= 1)
      deploy(focus, onset - rng.between(0, 46 * HOUR), quick(stage));
    return { cause: null, ...leaking(stage, onset - rng.scale(3 * HOUR, 80 * HOUR)) };
  },

  watch_degraded_deploy: (stage) => {
    measureErrors(stage);
    watchable(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    const cause = deploy(focus, onset - rng.between(5, 40), quick(stage));
    const errors = Math.min(0.9, Math.max(4 * focus.baseErrors, limitOf(focus) * rng.scale(0.4, 6)));
    fault(focus, step(onset), { versions: [cause.version], errors });
    return { cause, begins: Math.max(onset, cause.start), watched: cause };
  },

  watch_degraded_innocent: (stage) => {
    measureErrors(stage);
    watchable(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    const options = quick(stage);
    const watched = deploy(focus, onset - rng.between(0, 240) - options.seconds, options);
    const scene: Scene = { cause: null, begins: onset, watched };
    switch (rng.pick(['dependency', 'traffic', 'machine', 'burst'] as const)) {
      case 'dependency': {
        const dependency = stage.dependency(true);
        const coupling = focus.calls.find(({ to }) => to === dependency.name)?.coupling ?? 1;
        fault(dependency, step(onset), { errors: Math.min(0.98, Math.max(0.1, (2 * limitOf(focus)) / coupling)) });
        return scene;
      }
      case 'traffic': {
        const grows = ramp(onset, rng.scale(20, 200));
        fault(focus, grows, { traffic: rng.scale(2, 6) });
        fault(focus, both(grows, grows), { errors: serious(stage) });
        return scene;
      }
      case 'machine':
        fault(focus, step(onset), { slots: [focus.instances - 1], errors: rng.between(0.4, 1) });
        return scene;
      case 'burst':
        fault(focus, step(onset, onset + rng.between(45, 150)), { errors: serious(stage) });
        return { ...scene, endsByItself: true };
    }
  },

  worsened_during_incident: (stage) => {
    outsideFailure(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    const cause = deploy(focus, onset + rng.between(900, 2400), quick(stage));
    fault(focus, step(cause.start), { versions: [cause.version], errors: rng.scale(0.3, 0.95) });
    return {
      cause,
      begins: cause.start,
      judgedFrom: onset,
      mayFireBefore: true,
      judgedAt: measuredAfter(stage, cause),
    };
  },

  worsened_without_deploy: (stage) => {
    outsideFailure(stage);
    const { rng, focus, onset, deploy, fault } = stage;
    const more = onset + rng.between(900, 1800);
    const grown: Shape = rng.chance(0.5) ? ramp(onset + 300, rng.between(1500, 3000)) : step(more);
    if (rng.chance(0.8)) fault(focus, grown, { errors: rng.scale(0.3, 0.95) });
    const later = deploy(focus, more + rng.between(120, 900), quick(stage));
    return {
      cause: null,
      begins: onset,
      judgedFrom: onset,
      mayFireBefore: true,
      judgedAt: measuredAfter(stage, later),
    };
  },
} satisfies Record<AddedClassName, SceneOf>;
