import * as z from 'zod';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import {
  sameWeights,
  type TrafficRoute,
  type RerouteRequest,
  weightsInWords,
} from '../../core/domain/rollback/reroute.ts';
import type { TargetResponse } from '../../core/domain/rollback/targets.ts';
import type { HttpRoute } from '../../schemas/rollback/reroute.ts';
import type { HttpResponse } from '../shared/http.ts';
import { responseText, callEndpoint, isSuccess, resultOfFailure } from '../webhook/endpoint.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** Milliseconds. A change takes one read and at most one write: 15 s together. */
const READ_TIMEOUT_MS = 5_000;
const CHANGE_TIMEOUT_MS = 10_000;

const State = z.object({
  weights: z.record(z.string(), z.number().min(0)),
  /** Seconds after a change until all traffic follows it, such as the TTL of a DNS record. */
  settle_seconds: z.number().min(0).max(86_400).default(0),
});
type State = z.infer<typeof State>;

/** The handle of an accepted change. The workflow checks it when the seconds to settle are over. */
const ACCEPTED = 'settled';

type Options = { serviceEnvironment: ServiceEnvironment; secrets: Secrets; clock: Clock };

/**
 * Creates a client for a system that implements the `kind: http` contract of traffic routes
 * (docs/reference/traffic-routes.md). A call names the weights that it replaces, so that it cannot replace others.
 */
export function httpRoute({ url, auth }: HttpRoute, { serviceEnvironment, secrets, clock }: Options): TrafficRoute {
  const { service, environment } = serviceEnvironment;
  const endpoint = { name: 'the traffic route', auth, secrets, clock };
  const detailOf = (response: HttpResponse): string => responseText(endpoint.name, response);
  const readState = async () => {
    const stateUrl = new URL(url);
    for (const [name, value] of Object.entries({ service, environment })) stateUrl.searchParams.set(name, value);
    const response = await callEndpoint(endpoint, {
      url: stateUrl.href,
      method: 'GET',
      id: stateUrl.href,
      timeoutMs: READ_TIMEOUT_MS,
    });
    if ('kind' in response) return response;
    if (!isSuccess(response)) return resultOfFailure(response, detailOf(response), clock);
    const state = stateIn(response);
    return (
      state ?? ({ kind: 'refused', detail: `${detailOf(response)}; the response must contain {"weights": …}` } as const)
    );
  };
  const putWeights = ({ from, to, reason, incident, key }: RerouteRequest) =>
    callEndpoint(endpoint, {
      url,
      method: 'PUT',
      id: key,
      timeoutMs: CHANGE_TIMEOUT_MS,
      headers: { 'idempotency-key': key },
      body: {
        service,
        environment,
        weights: to,
        expected_weights: from,
        reason,
        incident_id: incident,
        idempotency_key: key,
      },
    });

  return {
    target: url,
    resource: `http-route ${JSON.stringify([url, service, environment])}`,
    effectClass: 'convergent',
    async read() {
      const state = await readState();
      return 'kind' in state ? state : { kind: 'weights', weights: state.weights };
    },
    async set(request) {
      const before = await readState();
      if ('kind' in before) return before;
      if (sameWeights(before.weights, request.to)) return awaitTraffic(before);
      if (!sameWeights(before.weights, request.from)) return superseded(before);
      const response = await putWeights(request);
      if ('kind' in response) return response;
      const after = stateIn(response);
      if (response.status === 409)
        return after !== undefined && !sameWeights(after.weights, request.from)
          ? superseded(after)
          : { kind: 'busy', detail: detailOf(response) };
      if (!isSuccess(response)) return resultOfFailure(response, detailOf(response), clock);
      // The weights may have been set; the next attempt reads them first.
      if (after === undefined)
        return { kind: 'later', detail: `${detailOf(response)}, without {"weights": …}`, afterSeconds: null };
      if (sameWeights(after.weights, request.to)) return awaitTraffic(after);
      return response.status === 202
        ? { kind: 'in_progress', id: null, handle: null }
        : { kind: 'failed', detail: `${detailOf(response)}; these are not the requested weights` };
    },
    async status(_, { to }) {
      const state = await readState();
      if ('kind' in state) return state;
      return sameWeights(state.weights, to) ? { kind: 'succeeded', id: null } : superseded(state);
    },
  };
}

const stateIn = ({ text }: HttpResponse): State | undefined => State.safeParse(parseJson(text)).data;

const superseded = ({ weights }: State): TargetResponse => ({
  kind: 'superseded',
  current: weightsInWords(weights),
});

const awaitTraffic = ({ settle_seconds: afterSeconds }: State): TargetResponse =>
  afterSeconds === 0
    ? { kind: 'succeeded', id: null }
    : { kind: 'in_progress', id: null, handle: ACCEPTED, afterSeconds };
