import { areDistinct, failureOf, type Shares } from './discernible.ts';
import type { Label } from './labels.ts';
import { recordAt } from './records.ts';
import type { Rollout } from './scenes/rollouts.ts';
import { limitOf, type Scene } from './scenes/scene.ts';
import type { Service } from './services.ts';
import { runningBefore, type Stage } from './stage.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

/**
 * Why the data of a case is the same as that of a case with another label. It follows from the facts of the world: what
 * failed, what was deployed, what is on record, and what the catalogue declares. The same rules hold for cases with and
 * without a bad deploy.
 *
 * - `innocent_deploy`: a deploy of the service that is not the cause took traffic right before the problem.
 * - `dependency_deploy`: the same, of a declared dependency that fails itself.
 * - `another_deploy`: the cause is a deploy of the service, and so is something else that was deployed right before.
 * - `newer_deploy`: a deploy came after the bad one, as a fix or not, and errors cannot show yet whether it helps.
 * - `still_failing`: the errors of a good deploy will end by themselves, but have not fallen.
 * - `fix_not_recorded`: a fix is on its way, but neither the records nor the errors show it.
 * - `confounded`: all instances of a good version fail, and those of others do not, because of what else they have in common.
 */
export const UNDECIDABLE = [
  'innocent_deploy',
  'dependency_deploy',
  'another_deploy',
  'newer_deploy',
  'still_failing',
  'fix_not_recorded',
  'confounded',
] as const;
export type Undecidable = (typeof UNDECIDABLE)[number];

type Known = { stage: Stage; scene: Scene; telemetry: Telemetry; label: Label; at: number };

/**
 * Seconds after the end of a rollout in which engineers suspect it first, and the usual rule "nearest earlier deploy" undoes
 * it. It says nothing about when bad versions of these worlds begin to fail.
 */
const SUSPECTED_SECONDS = 30 * 60;

/** Uncertainty of the start of a rise over hours: its noise hides that long. */
const SLOPE_SECONDS = 1800;

/** Uncertainty of an onset in a curve, besides the distance of scrapes. */
const AHEAD_SECONDS = 30;

/** Failed requests that show a problem, and the share of the requests, as a part of the limit. */
const SHOWN_FAILED = 3;
const SHOWN_OF_LIMIT = 0.5;

/** Value of the health query, as a part of the limit, that shows errors before a deploy: it is not the cause. */
const RISEN_OF_LIMIT = 0.2;

/** Number of services without a declared relation whose failure does not come from this one. One can be a caller. */
const STRANGERS = 2;

/** Seconds after a whole window of a query in which it shows the effect of a deploy. */
const EFFECT_SECONDS = 90;

/** Part of its peak below which a problem visibly ends. */
const FALLEN = 0.7;

/** Minimum requests in a window, and the factor by which failures must exceed the share of a canary. */
const BEYOND_REQUESTS = 30;
const BEYOND_CANARY = 2;

const STEP_SECONDS = 5;

/** @param shares the traffic of the versions of the service since the problem began */
export function undecidable(known: Known, shares: Shares, areVersionsVisible: boolean): Undecidable | null {
  const { stage, label } = known;
  const { focus, rollouts } = stage;
  const cause = rollouts.find(({ id, service }) => id === label.cause && service === focus.name);
  const isConfounded = areVersionsVisible && isGoodVersionAlone(known, shares);
  if (label.cause !== null && label.wants === 'leave')
    return endsUnseen(known, areVersionsVisible) ?? (isConfounded ? 'confounded' : null);
  if (areVersionsVisible) return isConfounded ? 'confounded' : null;
  const shown = shownAt(known, shares);
  const near = deploysBefore(known, focus, shown).filter((one) => one !== cause);
  if (cause !== undefined) {
    if (near.length > 0) return 'another_deploy';
    return hidesEffect(known, cause) ? 'newer_deploy' : null;
  }
  if (isSeen(known) || othersShow(known, shown)) return null;
  if (near.length > 0) return 'innocent_deploy';
  const failing = failingServices(known).filter(({ name }) => dependenciesOf(stage, focus.name).has(name));
  const deployed = failing.flatMap((one) => deploysBefore(known, one, shown));
  return deployed.some(({ id }) => id !== label.cause) ? 'dependency_deploy' : null;
}

/** Part of the highest failure ratio among the instances of a version that the others reach if the version fails as one. */
const ALIKE = 0.5;

/**
 * Returns whether all instances of a version fail that is not the cause, and no other version does: the requests are those of
 * a bad deploy. If only some of its instances fail, the instances show that it is none.
 */
function isGoodVersionAlone(known: Known, shares: Shares): boolean {
  const { focus, rollouts } = known.stage;
  const walk = [...shares];
  const ratios = Map.groupBy(instanceRatios(known), ({ version }) => version);
  const worstOf = (version: string): number => Math.max(0, ...(ratios.get(version) ?? []).map(({ ratio }) => ratio));
  return rollouts.some(({ id, service, version }) => {
    if (service !== focus.name || id === known.label.cause) return false;
    const own = (ratios.get(version) ?? []).map(({ ratio }) => ratio);
    return (
      own.every((ratio) => ratio >= ALIKE * worstOf(version)) &&
      [...ratios.keys()].every((other) => other === version || worstOf(other) < ALIKE * Math.min(...own)) &&
      areDistinct({ focus, telemetry: known.telemetry }, walk, version)
    );
  });
}

/** Returns the expected failure ratio of each instance since the problem began, if it has run for long enough. */
function instanceRatios({ stage: { focus }, scene, telemetry, at }: Known): { version: string; ratio: number }[] {
  const seen = at - focus.monitoring.delay - AHEAD_SECONDS;
  return telemetry.instances(focus).flatMap((instance) => {
    const [from, until] = [Math.max(instance.from, scene.begins), Math.min(instance.until, seen)];
    const count = Math.floor((until - from) / STEP_SECONDS);
    if (count * STEP_SECONDS < STEADY_SECONDS) return [];
    const ratios = Array.from({ length: count }, (_, step) =>
      telemetry.failureAt(focus, instance, from + step * STEP_SECONDS),
    );
    return [{ version: instance.version, ratio: ratios.reduce((sum, ratio) => sum + ratio, 0) / count }];
  });
}

/** Minimum seconds for which an instance is compared with others. */
const STEADY_SECONDS = 60;

/** Returns whether the errors of an instance of a version have become fewer, which its own requests show. */
const hasWarmInstance = ({ stage: { focus }, telemetry, at }: Known, { version }: Rollout): boolean => {
  const seen = at - focus.monitoring.delay - focus.monitoring.scrapeInterval;
  return telemetry
    .instances(focus)
    .filter((one) => one.version === version && one.from < seen && seen < one.until)
    .some(
      (one) =>
        telemetry.failureAt(focus, one, seen) < FALLEN * telemetry.failureAt(focus, one, one.from + STEP_SECONDS),
    );
};

/** Returns why the end of the problem of a change that is not to be undone cannot be seen. */
function endsUnseen(known: Known, areVersionsVisible: boolean): Undecidable | null {
  const { stage, scene, label } = known;
  const { focus, rollouts } = stage;
  if (focus.health.form !== 'none' && isFalling(known)) return null;
  const cause = rollouts.find(({ id }) => id === label.cause);
  // A version with cold caches fails as a bad one does, also beside others, until the first of its instances is warm.
  if (scene.endsByItself === true) return cause !== undefined && hasWarmInstance(known, cause) ? null : 'still_failing';
  if (cause === undefined || areVersionsVisible) return null;
  if (newerDeploys(known, cause).length > 0) return hidesEffect(known, cause) ? 'newer_deploy' : null;
  return 'fix_not_recorded';
}

/** Returns whether a deploy after one is on record, but the health query cannot show its effect yet. */
const hidesEffect = (known: Known, cause: Rollout): boolean =>
  newerDeploys(known, cause).some(({ finish }) => !showsEffect(known, finish));

/** Returns the deploys of the service after one, as far as they are on record. */
const newerDeploys = ({ stage: { rollouts, recorded, delivery, focus }, at }: Known, { start }: Rollout): Rollout[] =>
  rollouts.filter(
    (one) =>
      one.service === focus.name &&
      one.start > start &&
      recorded.some((record) => record.id === one.id && recordAt(record, delivery, at, stamp) !== undefined),
  );

const stamp = (): string => '';

/** Returns whether the health query shows some samples that describe only requests after a time. */
const showsEffect = ({ stage: { focus }, at }: Known, time: number): boolean =>
  focus.health.form !== 'none' && at - focus.monitoring.delay >= time + windowOf(focus) + EFFECT_SECONDS;

const windowOf = ({ health }: Service): number => Number.parseFloat(health.window) * 60;

/** Returns when the problem shows: many requests have failed, and a large part of them; by the judgement at the latest. */
function shownAt({ stage: { focus }, scene, telemetry, at }: Known, shares: Shares): number {
  if (focus.health.form === 'usage') return scene.rises ?? scene.begins;
  if (focus.health.form === 'quantile') return scene.begins;
  let failed = 0;
  for (const { time, shares: versions } of shares) {
    const ratio = [...versions].reduce(
      (sum, [version, share]) => sum + share * failureOf({ focus, telemetry }, version, time),
      0,
    );
    failed += ratio * telemetry.rateAt(focus, time) * STEP_SECONDS;
    if (failed >= SHOWN_FAILED && ratio >= SHOWN_OF_LIMIT * limitOf(focus)) return time;
  }
  return at;
}

/** Returns the deploys of a service from which a problem that shows at a time seems to come. */
function deploysBefore({ stage, telemetry, at }: Known, service: Service, shown: number): Rollout[] {
  const { rollouts, delivery } = stage;
  return rollouts.filter((one) => {
    const slack = service.health.form === 'usage' ? SLOPE_SECONDS : 0;
    const earliest = one.start + delivery.skew - service.monitoring.scrapeInterval - AHEAD_SECONDS - slack;
    const latest = Math.min(one.finish, at) + SUSPECTED_SECONDS + slack;
    return (
      one.service === service.name &&
      one.version !== runningBefore(stage, service, one.start) &&
      earliest <= shown &&
      shown <= latest + delivery.skew &&
      !isBeyondCanary(telemetry, service, one, at) &&
      windowedErrors(telemetry, service, earliest) < RISEN_OF_LIMIT * limitOf(service)
    );
  });
}

/**
 * Returns whether more of the requests fail than a canary gets, so that it cannot be the cause. Its share is on record. A
 * service with so few requests that chance can fail as many does not show it.
 */
function isBeyondCanary(telemetry: Telemetry, service: Service, rollout: Rollout, at: number): boolean {
  if (rollout.mode !== 'canary' || !measuresFailures(service)) return false;
  const seen = at - service.monitoring.delay - AHEAD_SECONDS;
  const share = Math.max(0, ...rollout.steps.filter((step) => step.at <= at).map((step) => step.share));
  const requests = telemetry.rateAt(service, seen) * windowOf(service);
  return (
    rollout.finish > at &&
    requests >= BEYOND_REQUESTS &&
    windowedErrors(telemetry, service, seen) > BEYOND_CANARY * share
  );
}

/** Returns whether the health query shows the share of failed requests. */
const measuresFailures = ({ health: { form } }: Service): boolean => !['none', 'quantile', 'usage'].includes(form);

/** Returns the expected share of failed requests in the window of the health query, without the normal ones. */
function windowedErrors(telemetry: Telemetry, service: Service, at: number): number {
  const count = Math.max(1, Math.round(windowOf(service) / STEP_SECONDS));
  let sum = 0;
  for (let step = 0; step < count; step += 1) sum += telemetry.errorsAt(service, at - step * STEP_SECONDS);
  return sum / count;
}

/** Returns whether something shows that no change is the cause. */
function isSeen(known: Known): boolean {
  const { stage, scene, at } = known;
  const { focus, faults } = stage;
  const hasTraffic = faults.some(({ service, traffic }) => service === focus.name && traffic !== undefined);
  return (
    scene.isOnRecord === true ||
    (focus.health.form !== 'none' &&
      ((scene.traceFrom ?? Infinity) <= at ||
        (hasTraffic && focus.health.hasTraffic) ||
        (scene.endsByItself === true && isFalling(known))))
  );
}

/** Returns the other services that visibly fail and are not declared to call this one. */
function failingServices({ stage: { services, focus }, telemetry, at }: Known): Service[] {
  const callers = declaredCallersOf(services, focus.name);
  return services.filter(
    (one) =>
      one !== focus &&
      !callers.has(one.name) &&
      one.health.form !== 'none' &&
      telemetry.errorsAt(one, at - one.monitoring.delay - AHEAD_SECONDS) > limitOf(one),
  );
}

/**
 * Returns whether other services show that the cause is not a deploy of this one: a declared dependency fails, or two others
 * that do not call each other. A single one can be a caller that nobody declared. Deploys of their own explain failures.
 */
function othersShow(known: Known, shown: number): boolean {
  const { stage } = known;
  const failing = failingServices(known).filter((one) => deploysBefore(known, one, shown).length === 0);
  const dependencies = dependenciesOf(stage, stage.focus.name);
  if (failing.some(({ name }) => dependencies.has(name))) return true;
  const apart = failing.filter(({ name }) => {
    const below = dependenciesOf(stage, name);
    return !failing.some((other) => below.has(other.name));
  });
  return apart.length >= STRANGERS;
}

/** Returns the names of the declared dependencies of a service, direct or not. */
function dependenciesOf({ services }: Stage, name: string): Set<string> {
  const found = new Set<string>();
  const add = (from: string): void => {
    for (const { to, isDeclared } of services.find((one) => one.name === from)?.calls ?? [])
      if (isDeclared && !found.has(to)) {
        found.add(to);
        add(to);
      }
  };
  add(name);
  return found;
}

/** Returns the names of all services that are declared to call a service, directly or not. */
function declaredCallersOf(services: readonly Service[], callee: string): Set<string> {
  const names = new Set([callee]);
  for (let before = 0; before < names.size;) {
    before = names.size;
    for (const { name, calls } of services)
      if (calls.some(({ to, isDeclared }) => isDeclared && names.has(to))) names.add(name);
  }
  return names;
}

/** Returns whether the expected errors over the window of the health query become fewer, as far as scrapes can show it. */
function isFalling({ stage: { focus }, scene, telemetry, at }: Known): boolean {
  const window = windowOf(focus);
  const until = at - focus.monitoring.delay - focus.monitoring.scrapeInterval;
  const errors: number[] = [];
  for (let time = scene.begins - window; time <= until; time += STEP_SECONDS)
    errors.push(telemetry.errorsAt(focus, time));
  const steps = Math.max(1, Math.round(window / STEP_SECONDS));
  let [sum, peak] = [0, 0];
  for (const [index, value] of errors.entries()) {
    sum += value - (errors[index - steps] ?? 0);
    peak = Math.max(peak, sum);
  }
  return sum < FALLEN * peak;
}
