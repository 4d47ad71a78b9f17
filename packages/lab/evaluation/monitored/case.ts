import type { WatchRecord } from '../../../../schemas/judge/watch.ts';
import { type Random, random, seedOf } from '../random.ts';
import { type Alert, delivered, firingsOf } from './alerting.ts';
import { type Facts, factsOf } from './facts.ts';
import { CLASS_NAMES, type ClassName, type Label, LABELS } from './labels.ts';
import { ruleExpression } from './telemetry/queries.ts';
import { recordAt } from './records.ts';
import { scenesOfAddedClasses } from './scenes/scenes-of-added-classes.ts';
import type { Scene, SceneOf } from './scenes/scene.ts';
import { scenesOfConfounders } from './scenes/scenes-of-confounders.ts';
import { scenesOfChanges } from './scenes/scenes-of-changes.ts';
import { scenesOfFailures } from './scenes/scenes-of-failures.ts';
import { scenesUnreached } from './scenes/scenes-unreached.ts';
import type { Service } from './services.ts';
import { DAYS_BEFORE_SECONDS, LONG_BEFORE_SECONDS, newStage, type Stage, Unsuitable } from './stage.ts';
import { type Watched, watched } from './watch.ts';
import { type Telemetry, telemetryOf, type World } from './telemetry/telemetry.ts';

const SCENES: Readonly<Record<ClassName, SceneOf>> = {
  ...scenesOfChanges,
  ...scenesOfFailures,
  ...scenesOfAddedClasses,
  ...scenesOfConfounders,
  ...scenesUnreached,
};

/** An alert of a simulated system that is to be judged, with everything that can be read about the system. */
export type MonitoredCase = {
  id: string;
  name: ClassName;
  label: Label;
  facts: Facts;
  world: World;
  telemetry: Telemetry;
  stage: Stage;
  /** The alert that is judged, as it is delivered, and those of other services. */
  alert: Alert & { at: number };
  others: readonly (Alert & { at: number })[];
  /** Time of the judgement, in seconds of the world. */
  at: number;
  /** The watch of a deploy whose alert is judged. Absent: it is another alert. */
  watch?: WatchRecord;
};

/** Seed of the reported results. Results with other seeds guard against fitting to it. */
export const MONITORED_SEED = 31_415_926;

/** Attempts to draw a world in which the alert of the class fires. */
const ATTEMPTS = 200;

/** Yields the cases of classes, by default of the first ones. @param share of a full set, at least one case of each class */
export function* monitoredCases(
  seed: number,
  share = 1,
  names: readonly ClassName[] = CLASS_NAMES,
): Generator<MonitoredCase> {
  for (const name of names)
    for (let number = 0; number < Math.max(1, Math.round(LABELS[name].cases * share)); number += 1)
      yield monitoredCase(seed, name, number);
}

/** Draws one case, which depends only on its arguments. @throws Error if no world of this class can be drawn */
export function monitoredCase(seed: number, name: ClassName, number: number): MonitoredCase {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const drawn = drawnCase(seedOf(seed, name, number, attempt), name, `${name}-${number}`);
    if (drawn !== null) return drawn;
  }
  throw new Error(`no case of ${name} can be drawn`);
}

/** Seconds before the onset of classes that need more than usual. */
const BEFORE_SECONDS: Readonly<Partial<Record<ClassName, number>>> = {
  burn_rate_deploy: LONG_BEFORE_SECONDS,
  burn_rate_innocent: LONG_BEFORE_SECONDS,
  leak_after_deploy: DAYS_BEFORE_SECONDS,
  leak_without_deploy: DAYS_BEFORE_SECONDS,
};

/** Returns null if the world turns out not to be one of this class. */
function drawnCase(seed: number, name: ClassName, id: string): MonitoredCase | null {
  const rng = random(seed);
  // Layers of services from which the one that alerts is drawn.
  const focus = name === 'caller_deploy' || name === 'undeclared_caller_deploy' ? [1, 2] : [0, 1, 1, 2];
  let [stage, scene]: [Stage | null, Scene | null] = [null, null];
  try {
    stage = newStage(rng, { before: BEFORE_SECONDS[name], focus });
    scene = SCENES[name](stage);
  } catch (error) {
    if (error instanceof Unsuitable) return null;
    throw error;
  }
  const { services, first, rollouts, restarts, faults, length } = stage;
  const epoch = Date.UTC(2026, 2, 2) / 1000 + rng.whole(0, 60 * 86_400);
  const world: World = { seed, epoch, length, services, first, rollouts, restarts, faults };
  const telemetry = telemetryOf(world);
  const watch = scene.watched === undefined ? null : watched(stage, telemetry, scene.watched);
  const firing =
    scene.watched === undefined
      ? firingOf(rng, stage, scene, telemetry)
      : firingOfWatch(stage, scene, telemetry, watch);
  if (firing === null) return null;
  const alerts = [
    firing,
    ...alertsOfOthers(rng, stage, telemetry, {
      from: Math.min(scene.begins, firing.firedAt) - 1800,
      until: firing.firedAt + 600,
    }),
  ];
  const all = delivered(alerts, stage.alertmanager);
  const sent = all.find(({ service, firedAt }) => service === firing.service && firedAt === firing.firedAt);
  // Firebreak sends its own alert at once.
  const alert = watch === null || sent === undefined ? sent : { ...sent, at: watch.at + 1 };
  if (alert === undefined || alert.at < (scene.judgedFrom ?? 0)) return null;
  const at = scene.judgedAt ?? alert.at + rng.scale(0.3, 4);
  if (at > length - 60) return null;
  // The incident is open, and goes on.
  if (scene.judgedAt !== undefined && (alert.at > at || alert.resolvedAt <= at)) return null;
  const label = { cause: scene.cause?.id ?? null, wants: LABELS[name].wants };
  const cause = stage.recorded.find((one) => one.id === label.cause);
  if (cause !== undefined && recordAt(cause, stage.delivery, at, stamp) === undefined) return null;
  const others = all.filter(({ service }) => service !== firing.service);
  const facts = factsOf({ stage, scene, telemetry, label, at });
  const record = watch?.record((seconds) => Math.round((epoch + seconds) * 1000));
  return { id, name, label, facts, world, telemetry, stage, alert, others, at, ...(record && { watch: record }) };
}

/** Replaces timestamps where only the existence of a record matters. */
const stamp = (): string => '';

/** Returns the alert to be judged: the first one of the problem. */
function firingOf(rng: Random, stage: Stage, scene: Scene, telemetry: Telemetry): Alert | null {
  const { focus, length } = stage;
  const { begins, judgedFrom = begins, mayFireBefore = false } = scene;
  const phase = rng.between(0, focus.rule.intervalSeconds);
  const from = (mayFireBefore ? judgedFrom - 600 : begins - 1800) + phase;
  const found = firingsOf({ ...focus.rule, expression: ruleExpression(focus, focus.rule) }, telemetry, {
    from,
    until: length - 600,
  });
  const firing = mayFireBefore ? found.find(({ firedAt }) => firedAt >= judgedFrom) : found[0];
  if (firing === undefined || (!mayFireBefore && firing.activeAt < begins)) return null;
  return { ...firing, service: focus.name, alertname: focus.rule.alertname };
}

/** Returns the alert of a watch, if it is the first one of the service. */
function firingOfWatch({ focus }: Stage, { begins }: Scene, telemetry: Telemetry, watch: Watched | null): Alert | null {
  if (watch === null || watch.at < begins) return null;
  const rule = { ...focus.rule, expression: ruleExpression(focus, focus.rule) };
  if (firingsOf(rule, telemetry, { from: watch.since - 3600, until: watch.at }).length > 0) return null;
  const times = { activeAt: watch.since, firedAt: watch.since, resolvedAt: Infinity };
  return { ...times, labels: {}, service: focus.name, alertname: 'DeployDegraded' };
}

/** Returns alerts of the services that fail at the same time. */
function alertsOfOthers(
  rng: Random,
  { services, focus }: Stage,
  telemetry: Telemetry,
  span: { from: number; until: number },
): Alert[] {
  const failing = (service: Service): boolean => {
    for (let at = span.from; at < span.until; at += 60) if (telemetry.errorsAt(service, at) > 0.002) return true;
    return false;
  };
  return services.flatMap((service) => {
    if (service === focus || !failing(service)) return [];
    const { rule } = service;
    const from = span.from + rng.between(0, rule.intervalSeconds);
    return firingsOf({ ...rule, expression: ruleExpression(service, rule) }, telemetry, { ...span, from }).map(
      (firing) => ({ ...firing, service: service.name, alertname: rule.alertname }),
    );
  });
}
