import * as z from 'zod';
import { environmentEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { healthOf } from '../../../core/domain/catalogue/health.ts';
import { loaded } from '../../../core/domain/ports/extensions.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { StepGuards } from '../../../core/domain/rollback/guard.ts';
import {
  sameWeights,
  shiftWeights,
  type TrafficRoute,
  type Weights,
  weightsInWords,
} from '../../../core/domain/rollback/reroute.ts';
import type { Json } from '../../../core/domain/runbooks/variables.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { RouteConfig } from '../../../schemas/rollback/reroute.ts';
import type { With } from '../../../schemas/runbooks/parts/kinds.ts';
import type { StepContext } from './context.ts';
import type { StepEnd } from '../../../schemas/runbooks/parts/runs.ts';

/** A change of a route's weights, determined once, so that every attempt and the person who approves it mean the same. */
export type TrafficShift = { route: string; from: Weights; to: Weights; words: string };

/** `again`: the weights could not be read now. `changed`: the weights that someone else has set since. */
type ShiftPlan =
  | { kind: 'shift'; shift: TrafficShift; changed: string | null }
  | { kind: 'end'; status: 'failed' | 'skipped'; detail: string }
  | { kind: 'again'; detail: string };

const planEnd = (status: 'failed' | 'skipped', detail: string): ShiftPlan => ({ kind: 'end', status, detail });

type FoundRoute = { name: string; config: RouteConfig };

/** Returns the route that a step names, or the only one. Text: why there is none. */
export function configuredRoute(
  config: Config,
  at: ServiceEnvironment,
  named: string | undefined,
): FoundRoute | string {
  const routes = environmentEntry(config.services, at)?.reroute ?? {};
  const names = Object.keys(routes);
  const name = named ?? (names.length === 1 ? names[0] : undefined);
  if (names.length === 0)
    return 'no traffic route is configured for this service and environment: set `reroute` in the catalogue';
  if (name === undefined) return `the environment has several traffic routes; name one of ${names.join(', ')}`;
  const found = Object.hasOwn(routes, name) ? routes[name] : undefined;
  return found === undefined
    ? `the environment has no traffic route ${name}, only ${names.join(', ')}`
    : { name, config: found };
}

/** Returns the client of a route. Text: why there is none. */
export async function routeNamed(
  deps: Pick<Deps, 'config' | 'targets'>,
  at: ServiceEnvironment,
  named: string | undefined,
): Promise<(FoundRoute & { route: TrafficRoute }) | string> {
  const found = configuredRoute(await deps.config.current(), at, named);
  if (typeof found === 'string') return found;
  const route = await deps.targets.trafficRouteFor(found.config, at);
  if (route === undefined)
    return `the traffic route ${found.name} (${found.config.kind}) has no address: set its \`url\`, or KUBERNETES_URL`;
  return { ...found, route };
}

/** Determines the weights before and after a shift. */
export async function planShift(
  deps: Pick<Deps, 'config' | 'targets'>,
  at: ServiceEnvironment,
  given: With<'reroute'>,
): Promise<ShiftPlan> {
  const found = await routeNamed(deps, at, given.route);
  if (typeof found === 'string') return planEnd('failed', found);
  const { from, to, ceiling } = given;
  const { targets, maxShift } = found.config;
  const target = Object.hasOwn(targets, to) ? targets[to] : undefined;
  if (target === undefined || !Object.hasOwn(targets, from))
    return planEnd('failed', `${target === undefined ? to : from} is not a target of ${found.name} in the catalogue`);
  const percent = typeof given.percent === 'number' ? given.percent : Number.NaN;
  if (!(percent > 0)) return planEnd('failed', `percent is ${String(given.percent)}, but must be above 0`);
  const read = await found.route.read();
  if (read.kind === 'later') return { kind: 'again', detail: `the weights could not be read: ${read.detail}` };
  if (read.kind === 'refused') return planEnd('failed', `the weights could not be read: ${read.detail}`);
  const shifted = shiftWeights(read.weights, {
    from,
    to,
    percent: Math.min(percent, maxShift),
    ceiling: Math.min(ceiling, target.maxShare),
  });
  if (shifted.kind === 'none') return planEnd(shifted.isWrong ? 'failed' : 'skipped', shifted.detail);
  const words = `shift ${shifted.percent} % of the traffic of ${found.name} from ${from} to ${to}`;
  return {
    kind: 'shift',
    shift: { route: found.name, from: read.weights, to: shifted.weights, words },
    changed: null,
  };
}

const ShiftOutput = z.object({
  route: z.string(),
  from: z.record(z.string(), z.number()),
  to: z.record(z.string(), z.number()),
});

/** Determines the way back: exactly the weights that the shift found. */
export async function planRestore(
  deps: Pick<Deps, 'config' | 'targets'>,
  at: ServiceEnvironment,
  done: StepEnd | undefined,
): Promise<ShiftPlan> {
  const output = ShiftOutput.safeParse(done?.output);
  if (!output.success) return planEnd('skipped', 'the previous weights are unknown');
  const { route: name, from: before, to: after } = output.data;
  const found = await routeNamed(deps, at, name);
  if (typeof found === 'string') return planEnd('failed', found);
  const read = await found.route.read();
  if (read.kind === 'later') return { kind: 'again', detail: `the weights could not be read: ${read.detail}` };
  if (read.kind === 'refused') return planEnd('failed', `the weights could not be read: ${read.detail}`);
  const { weights: current } = read;
  if (sameWeights(current, before)) return planEnd('skipped', `the weights are again ${weightsInWords(before)}`);
  const words = `restore the traffic of ${name}`;
  return {
    kind: 'shift',
    shift: { route: name, from: current, to: before, words },
    changed: sameWeights(current, after) ? null : weightsInWords(current),
  };
}

type FitnessDeps = Pick<Deps, 'config' | 'extensions' | 'incidents' | 'metrics'>;

/**
 * Returns what is known about a shift of traffic. Undefined: the step shifts none.
 *
 * @param given parameters of the step, with all placeholders resolved
 * @param changed weights that someone has set since the shift that is to be undone
 */
export async function rerouteGuards(
  deps: FitnessDeps,
  { step, inverse, serviceEnvironment }: Pick<StepContext, 'step' | 'inverse' | 'serviceEnvironment'>,
  given: Json,
  changed: string | null = null,
): Promise<StepGuards['reroute']> {
  if (step.uses !== 'reroute') return undefined;
  // The way back restores what was there before, whatever its health.
  if (inverse !== null) return changed === null ? undefined : { unfit: null, unclear: null, changed };
  return { ...(await fitnessOf(deps, serviceEnvironment, given)), changed };
}

/** Checks whether the destination of a shift can take more traffic: its incidents, freezes, and health. */
async function fitnessOf(
  deps: FitnessDeps,
  at: ServiceEnvironment,
  given: Json,
): Promise<{ unfit: string | null; unclear: string | null }> {
  const { route, to } = (given ?? {}) as Partial<With<'reroute'>>;
  const config = await deps.config.current();
  const found = configuredRoute(config, at, route);
  const target =
    typeof found !== 'string' && to !== undefined && Object.hasOwn(found.config.targets, to)
      ? found.config.targets[to]
      : undefined;
  // The step itself fails, and says why.
  if (target === undefined) return { unfit: null, unclear: null };
  const [unfit, unclear]: [string[], string[]] = [[], []];
  const isOtherService = target.service !== undefined || target.environment !== undefined;
  const serviceEnvironment = {
    service: target.service ?? at.service,
    environment: target.environment ?? at.environment,
  };
  if (isOtherService) await addRecordDoubts(deps, serviceEnvironment, { unfit, unclear });
  const queries = [target.health, isOtherService ? healthOf(config, serviceEnvironment) : undefined].filter(
    (one) => one !== undefined,
  );
  for (const { promql, max } of queries) {
    const measured = await deps.metrics.value(promql);
    if (measured?.kind !== 'value') unclear.push(`${promql} returned no value`);
    else if (measured.value > max) unfit.push(`${promql} is ${measured.value}, above ${max}`);
  }
  if (queries.length === 0) unclear.push('no query for its health is configured');
  const words = (doubts: readonly string[]) => (doubts.length === 0 ? null : `${to}: ${doubts.join('; ')}`);
  return { unfit: words(unfit), unclear: words(unclear) };
}

async function addRecordDoubts(
  deps: Pick<Deps, 'extensions' | 'incidents'>,
  serviceEnvironment: ServiceEnvironment,
  { unfit, unclear }: { unfit: string[]; unclear: string[] },
): Promise<void> {
  const incident = await deps.incidents.openAt(serviceEnvironment);
  if (incident !== undefined) unfit.push(`incident ${incident.id} is open: ${incident.title}`);
  // A freeze because of failures is a sign of trouble. Others are about deployments, so a person decides.
  const [freezes] = await loaded(deps.extensions.freezes);
  for (const { reason, isFailure } of (await freezes?.inForce(serviceEnvironment)) ?? [])
    (isFailure ? unfit : unclear).push(`it is frozen: ${reason}`);
}
