import * as z from 'zod';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Clock, Secrets } from '../../domain/ports/system.ts';
import { sameWeights, type TrafficRoute, type RerouteRequest, weightsInWords } from '../../domain/rollback/reroute.ts';
import type { TargetResponse } from '../../domain/rollback/targets.ts';
import type { HttpRoute } from '../../schemas/rollback/reroute.ts';
import { type Answer, json } from '../shared/http.ts';
import { answerText, callEndpoint, isSuccess, unsuccessful } from '../webhook/endpoint.ts';

/** Milliseconds. A change takes one read and at most one write: 15 s together. */
const READ_TIMEOUT_MS = 5_000;
const CHANGE_TIMEOUT_MS = 10_000;

const State = z.object({
  weights: z.record(z.string(), z.number().min(0)),
  /** Seconds after a change until all traffic follows it, such as the TTL of a DNS record. */
  settle_seconds: z.number().min(0).max(86_400).default(0),
});
type State = z.infer<typeof State>;

/** The handle of a change whose traffic has not followed yet: the seconds are over at the next check. */
const SETTLED = 'settled';

type Options = { serviceEnvironment: ServiceEnvironment; secrets: Secrets; clock: Clock };

/**
 * Creates a client for a system that implements the `kind: http` contract of traffic routes
 * (docs/reference/traffic-routes.md). A call names the weights that it replaces, so that it cannot replace others.
 */
export function httpRoute({ url, auth }: HttpRoute, { serviceEnvironment, secrets, clock }: Options): TrafficRoute {
  const { service, environment } = serviceEnvironment;
  const endpoint = { name: 'the traffic route', auth, secrets, clock };
  const words = (answer: Answer): string => answerText(endpoint.name, answer);
  const get = async () => {
    const at = new URL(url);
    for (const [name, value] of Object.entries({ service, environment })) at.searchParams.set(name, value);
    const answer = await callEndpoint(endpoint, {
      url: at.href,
      method: 'GET',
      id: at.href,
      timeoutMs: READ_TIMEOUT_MS,
    });
    if ('kind' in answer) return answer;
    if (!isSuccess(answer)) return unsuccessful(answer, words(answer), clock);
    const state = stateIn(answer);
    return (
      state ?? ({ kind: 'refused', detail: `${words(answer)}; the response must contain {"weights": …}` } as const)
    );
  };
  const put = ({ from, to, reason, incident, key }: RerouteRequest) =>
    callEndpoint(endpoint, {
      url,
      method: 'PUT',
      id: key,
      timeoutMs: CHANGE_TIMEOUT_MS,
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({
        service,
        environment,
        weights: to,
        expected_weights: from,
        reason,
        incident_id: incident,
        idempotency_key: key,
      }),
    });

  return {
    target: url,
    resource: `http-route ${JSON.stringify([url, service, environment])}`,
    effectClass: 'convergent',
    async read() {
      const state = await get();
      return 'kind' in state ? state : { kind: 'weights', weights: state.weights };
    },
    async set(request) {
      const before = await get();
      if ('kind' in before) return before;
      if (sameWeights(before.weights, request.to)) return settling(before);
      if (!sameWeights(before.weights, request.from)) return superseded(before);
      const answer = await put(request);
      if ('kind' in answer) return answer;
      const after = stateIn(answer);
      if (answer.status === 409)
        return after !== undefined && !sameWeights(after.weights, request.from)
          ? superseded(after)
          : { kind: 'busy', detail: words(answer) };
      if (!isSuccess(answer)) return unsuccessful(answer, words(answer), clock);
      // The weights may have been set; the next attempt reads them first.
      if (after === undefined)
        return { kind: 'later', detail: `${words(answer)}, without {"weights": …}`, afterSeconds: null };
      if (sameWeights(after.weights, request.to)) return settling(after);
      return answer.status === 202
        ? { kind: 'in_progress', id: null, handle: null }
        : { kind: 'failed', detail: `${words(answer)}; these are not the requested weights` };
    },
    async status(_, { to }) {
      const now = await get();
      if ('kind' in now) return now;
      return sameWeights(now.weights, to) ? { kind: 'succeeded', id: null } : superseded(now);
    },
  };
}

const stateIn = ({ text }: Answer): State | undefined => State.safeParse(json(text)).data;

const superseded = ({ weights }: State): TargetResponse => ({
  kind: 'superseded',
  current: weightsInWords(weights),
});

const settling = ({ settle_seconds: afterSeconds }: State): TargetResponse =>
  afterSeconds === 0
    ? { kind: 'succeeded', id: null }
    : { kind: 'in_progress', id: null, handle: SETTLED, afterSeconds };
