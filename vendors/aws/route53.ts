import { outgoing } from '../../core/domain/redaction/outgoing.ts';
import { sameWeights, type TrafficRoute, type Weights, weightsInWords } from '../../core/domain/rollback/reroute.ts';
import type { TargetResponse } from '../../core/domain/rollback/targets.ts';
import type { Route53Route } from '../../schemas/rollback/reroute.ts';
import { truncated } from '../../schemas/parsing/text.ts';
import type { AwsAccess } from './access.ts';
import { attempt, type AwsCall, refuse } from './attempt.ts';
import { COMMENT_MAX_CHARS, type RecordSet, type Replacement, route53Api } from './route53-api.ts';

/** Weights of Route 53 are whole numbers from 0 to this. */
const MAX_WEIGHT = 255;

/** "Changes generally propagate to all Route 53 name servers within 60 seconds." */
const PROPAGATION_SECONDS = 60;

/** TTL of alias records, which have none of their own: that of most AWS endpoints. */
const ALIAS_TTL_SECONDS = 60;

/** The handle of a change that all DNS servers of Route 53 have, while resolvers may still cache earlier responses. */
const PROPAGATED = 'settled';

/** The record sets of a name by type, and the weights that all types have. */
type RecordState = { sets: RecordSet[]; weights: Weights; ttl: number };

/**
 * Creates a route for weighted records. The records are replaced in one transaction, which Route 53 refuses if one of
 * them has changed since it was read. A shift has succeeded once all servers of Route 53 have it and the TTL is over, so
 * that a verification after it sees the shifted traffic.
 */
export function route53Weights(config: Route53Route, access: AwsAccess): TrafficRoute {
  const api = route53Api(access);
  const { hostedZone: zone, record, types } = config;
  const readRecords = async (call: AwsCall): Promise<RecordState> => {
    const byType = await Promise.all(
      types.map(async (type) => ({ type, sets: await call((options) => api.list(zone, record, type, options)) })),
    );
    const [first, ...others] = byType.map(({ type, sets }) => ({
      type,
      weights: weightsOf(sets, `${record} ${type}`),
    }));
    if (first === undefined) return refuse('no record type is configured');
    const other = others.find(({ weights }) => !sameWeights(weights, first.weights));
    if (other !== undefined)
      refuse(
        `${record} has different weights in its types: ${first.type} ${weightsInWords(first.weights)}; ` +
          `${other.type} ${weightsInWords(other.weights)}. Set the same weights first`,
      );
    const sets = byType.flatMap((listed) => listed.sets);
    return { sets, weights: first.weights, ttl: Math.max(...sets.map(({ ttl }) => ttl ?? ALIAS_TTL_SECONDS)) };
  };
  return {
    target: `Route 53 ${record} in hosted zone ${zone}`,
    resource: `route53 ${JSON.stringify([zone, record.toLowerCase().replace(/\.$/, '')])}`,
    effectClass: 'convergent',
    async read() {
      const state = await attempt('Route 53', readRecords);
      if (!('kind' in state)) return { kind: 'weights', weights: state.weights };
      return state.kind === 'refused' ? state : { afterSeconds: null, ...state, kind: 'later' };
    },
    set: ({ from, to, reason, key }) =>
      attempt('Route 53', async (call): Promise<TargetResponse> => {
        const state = await readRecords(call);
        // An earlier attempt may have made the change a moment ago.
        if (sameWeights(state.weights, to)) return awaitDns(state.ttl + PROPAGATION_SECONDS, null);
        if (!sameWeights(state.weights, from)) return { kind: 'superseded', current: weightsInWords(state.weights) };
        const replaced = replacements(state.sets, to);
        const tooHigh = replaced.find(({ weight }) => !Number.isInteger(weight) || weight < 0 || weight > MAX_WEIGHT);
        if (tooHigh !== undefined)
          refuse(`the weight ${tooHigh.weight} is not a whole number from 0 to ${MAX_WEIGHT}, which Route 53 requires`);
        const mark = ` [firebreak ${key}]`;
        const comment = `${truncated(outgoing(reason), COMMENT_MAX_CHARS - mark.length)}${mark}`;
        const response = await call((options) => api.replace(zone, replaced, comment, options));
        if ('change' in response) return { kind: 'in_progress', id: response.change, handle: response.change };
        const { weights, ttl } = await readRecords(call);
        if (sameWeights(weights, to)) return awaitDns(ttl + PROPAGATION_SECONDS, null);
        if (!sameWeights(weights, from)) return { kind: 'superseded', current: weightsInWords(weights) };
        return refuse(`Route 53 refused the change: ${response.refused}`);
      }),
    status: (handle, { to }) =>
      attempt('Route 53', async (call): Promise<TargetResponse> => {
        if (handle !== PROPAGATED && !(await call((options) => api.isInSync(handle, options))))
          return { kind: 'in_progress', id: handle, handle };
        const state = await readRecords(call);
        if (!sameWeights(state.weights, to)) return { kind: 'superseded', current: weightsInWords(state.weights) };
        return handle === PROPAGATED ? { kind: 'succeeded', id: null } : awaitDns(state.ttl, handle);
      }),
  };
}

const awaitDns = (afterSeconds: number, id: string | null): TargetResponse => ({
  kind: 'in_progress',
  id,
  handle: PROPAGATED,
  afterSeconds,
});

const replacements = (sets: readonly RecordSet[], to: Weights): Replacement[] =>
  sets.flatMap((found): Replacement[] => {
    const weight = to[found.identifier ?? ''] ?? found.weight ?? 0;
    return weight === found.weight ? [] : [{ found, weight }];
  });

function weightsOf(sets: readonly RecordSet[], name: string): Weights {
  if (sets.length === 0) return refuse(`the hosted zone has no record ${name}`);
  const entries = sets.map(({ identifier, weight }): [string, number] =>
    identifier === null || weight === null
      ? refuse(`${name} is not weighted; create it with the routing policy Weighted`)
      : [identifier, weight],
  );
  return Object.fromEntries(entries);
}
