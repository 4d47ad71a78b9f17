import * as z from 'zod';
import { sameWeights, type Weights, weightsInWords } from '../../core/domain/rollback/reroute.ts';
import type { TargetResponse } from '../../core/domain/rollback/targets.ts';
import { Metadata } from '../kubernetes/objects.ts';
import { refuse } from '../shared/refusals.ts';
import { type Shares, sharesOf, weightsOf } from '../kubernetes/shares.ts';

const BackendRef = z.object({
  group: z.string().default(''),
  kind: z.string().default('Service'),
  name: z.string(),
  /** Absent: the namespace of the route. */
  namespace: z.string().optional(),
  weight: z.int().min(0).default(1),
});

const RouteCondition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(''),
  message: z.string().default(''),
  observedGeneration: z.number().optional(),
});

/**
 * A route of the Gateway API.
 * @see https://gateway-api.sigs.k8s.io/reference/spec/#httproute
 */
export const HttpRoute = z.object({
  metadata: Metadata.extend({ namespace: z.string() }),
  spec: z.object({
    rules: z.array(z.object({ name: z.string().optional(), backendRefs: z.array(BackendRef).default([]) })).default([]),
  }),
  status: z
    .object({ parents: z.array(z.object({ conditions: z.array(RouteCondition).default([]) })).default([]) })
    .prefault({}),
});
export type HttpRoute = z.infer<typeof HttpRoute>;

export const httpRoutePath = (namespace: string, name: string): string =>
  `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes/${name}`;

type Rule = { index: number; backendRefs: z.infer<typeof BackendRef>[] };

/**
 * Returns the shares of Services in percent, over all rules that have one of `services` as a backend. If rules differ, a
 * Service has the largest of its shares.
 *
 * @throws Ended if no rule has all of them
 */
export function sharesIn(route: HttpRoute, services: readonly string[]): Shares {
  const largest = new Map<string, number>();
  for (const { backendRefs } of rulesWith(route, services))
    for (const [service, share] of sharesOf(backendRefs.map((ref) => [backendName(route, ref), ref.weight])))
      largest.set(service, Math.max(largest.get(service) ?? 0, share));
  return largest;
}

/** Returns operations of a JSON patch that give Services these shares, in percent, in each rule. */
export function shareOperations(route: HttpRoute, shares: Shares): object[] {
  const weights = weightsOf(shares);
  return rulesWith(route, [...shares.keys()]).flatMap(({ index, backendRefs }) =>
    backendRefs.flatMap((ref, position) => {
      const weight = weights.get(backendName(route, ref));
      return weight === undefined
        ? []
        : [{ op: 'add', path: `/spec/rules/${index}/backendRefs/${position}/weight`, value: weight }];
    }),
  );
}

/**
 * Returns the weights of all backends of the rules that have the targets, and of no others. Two rules with different
 * weights could not be restored from one list.
 *
 * @throws Ended if no rule has all targets, or if rules differ
 */
export function backendWeights(route: HttpRoute, targets: readonly string[]): Weights {
  const { namespace, name } = route.metadata;
  const byRule = rulesWith(route, targets).map(({ index, backendRefs }) => {
    const entries = backendRefs.map((ref): [string, number] => [backendName(route, ref), ref.weight]);
    const weights = Object.fromEntries(entries);
    if (Object.keys(weights).length < entries.length)
      throw refuse(`rule ${index + 1} of HTTPRoute ${namespace}/${name} has a backend twice`);
    return { rule: index + 1, weights };
  });
  const [first, ...others] = byRule;
  if (first === undefined) throw refuse(`HTTPRoute ${namespace}/${name} has no rules`);
  const other = others.find(({ weights }) => !sameWeights(weights, first.weights));
  if (other !== undefined)
    throw refuse(
      `HTTPRoute ${namespace}/${name} has different weights in its rules: rule ${first.rule}: ` +
        `${weightsInWords(first.weights)}; rule ${other.rule}: ${weightsInWords(other.weights)}. Set the same weights first`,
    );
  return first.weights;
}

/** Returns operations of a JSON patch that give backends these weights, in each rule that has all of them. */
export const weightOperations = (route: HttpRoute, weights: Weights): object[] =>
  rulesWith(route, Object.keys(weights)).flatMap(({ index, backendRefs }) =>
    backendRefs.flatMap((ref, position) => {
      const value = weights[backendName(route, ref)];
      return value === undefined || value === ref.weight
        ? []
        : [{ op: 'add', path: `/spec/rules/${index}/backendRefs/${position}/weight`, value }];
    }),
  );

/** @throws Ended if a rule has only some of the Services, or none has all */
function rulesWith(route: HttpRoute, services: readonly string[]): Rule[] {
  const { namespace, name } = route.metadata;
  const rules = route.spec.rules.flatMap(({ backendRefs }, index) => {
    const names = backendRefs.map((ref) => backendName(route, ref));
    const found = services.filter((service) => names.includes(service));
    if (found.length === 0) return [];
    const missing = services.filter((service) => !names.includes(service));
    if (missing.length > 0)
      throw refuse(
        `rule ${index + 1} of HTTPRoute ${namespace}/${name} has the backend ${found.join(', ')}, but not ${missing.join(', ')}`,
      );
    return [{ index, backendRefs }];
  });
  if (rules.length === 0)
    throw refuse(`no rule of HTTPRoute ${namespace}/${name} has the backends ${services.join(' and ')}`);
  return rules;
}

/** Returns the name of a backend. It includes kind and namespace, except for a Service in the route's namespace. */
function backendName({ metadata }: HttpRoute, { group, kind, name, namespace }: z.infer<typeof BackendRef>): string {
  const isOwn = group === '' && kind === 'Service' && (namespace ?? metadata.namespace) === metadata.namespace;
  return isOwn ? name : [group, kind, namespace, name].filter(Boolean).join('/');
}

/**
 * Returns whether the gateways serve the newest generation of the route. A parent that rejects it serves nothing of it.
 *
 * @param options.needsBackends whether all backends must be found
 */
export function acceptanceOf(
  { metadata, status }: HttpRoute,
  { needsBackends }: { needsBackends: boolean },
): TargetResponse {
  const progress: TargetResponse = { kind: 'in_progress', id: null, handle: null };
  const parents = status.parents.map(({ conditions }) => {
    const conditionOf = (type: string) => conditions.find((condition) => condition.type === type);
    return {
      accepted: conditionOf('Accepted'),
      resolved: conditionOf('ResolvedRefs'),
      partiallyInvalid: conditionOf('PartiallyInvalid'),
    };
  });
  const isCurrent = ({ observedGeneration }: z.infer<typeof RouteCondition>): boolean =>
    (observedGeneration ?? metadata.generation) >= metadata.generation;
  for (const { partiallyInvalid } of parents)
    if (partiallyInvalid?.status === 'True' && isCurrent(partiallyInvalid))
      return {
        kind: 'failed',
        detail: `the gateway does not serve all rules: ${partiallyInvalid.message || partiallyInvalid.reason}`,
      };
  if (parents.length === 0) return progress;
  for (const { accepted } of parents)
    if (accepted === undefined || !isCurrent(accepted) || accepted.status === 'Unknown') return progress;
  const serving = parents.filter(({ accepted }) => accepted?.status === 'True');
  if (serving.length === 0) {
    const { message = '', reason = '' } = parents[0]?.accepted ?? {};
    return { kind: 'failed', detail: `no gateway accepts the route: ${message || reason}` };
  }
  const unresolved = serving.find(({ resolved }) => resolved?.status === 'False' && isCurrent(resolved))?.resolved;
  if (needsBackends && unresolved !== undefined)
    return { kind: 'failed', detail: `the gateway cannot use a backend: ${unresolved.message || unresolved.reason}` };
  return { kind: 'succeeded', id: `generation ${metadata.generation}` };
}
