import * as z from 'zod';
import { isSameWeight, type TrafficCall, type TrafficReading, type TrafficRouter } from '../decisions/traffic.ts';
import { sameVersion } from '../../../core/domain/changes/versions.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { Clock, Secrets } from '../../../core/domain/ports/system.ts';
import type { TargetResponse } from '../../../core/domain/rollback/targets.ts';
import type { HttpTraffic } from '../traffic-config.ts';
import type { HttpResponse } from '../../../vendors/shared/http.ts';
import { responseText, callEndpoint, isSuccess, resultOfFailure } from '../../../vendors/webhook/endpoint.ts';
import { parseJson } from '../../../schemas/parsing/json.ts';

/** Milliseconds for one attempt: at most a third of the workflow function's timeout. */
const ATTEMPT_TIMEOUT_MS = 15_000;

const Split = z.object({
  stable_version: z.string().min(1),
  version: z.string().min(1).nullable(),
  weight: z.number().min(0).max(100),
});
type Split = z.infer<typeof Split>;

/**
 * Creates a client for a system that implements the `kind: http` contract of traffic routers
 * (docs/reference/traffic-routers.md). Each call sets a state, so repeats are harmless; its sequence number prevents a call
 * that arrives late from replacing a newer one.
 */
export function httpTraffic(
  { auth }: HttpTraffic,
  options: { url: string; serviceEnvironment: ServiceEnvironment; secrets: Secrets; clock: Clock },
): TrafficRouter {
  const { url, serviceEnvironment, secrets, clock } = options;
  const { service, environment } = serviceEnvironment;
  const endpoint = { name: 'the traffic router', auth, secrets, clock };
  return {
    target: url,
    resource: `http-traffic ${JSON.stringify([url, service, environment])}`,
    effectClass: 'convergent',
    async read({ canary, stable }) {
      const stateUrl = new URL(url);
      const query = { service, environment, version: canary, stable_version: stable };
      for (const [name, value] of Object.entries(query)) stateUrl.searchParams.set(name, value);
      const response = await callEndpoint(endpoint, {
        url: stateUrl.href,
        method: 'GET',
        id: stateUrl.href,
        timeoutMs: ATTEMPT_TIMEOUT_MS,
      });
      if ('kind' in response) return { kind: 'unknown', detail: response.detail };
      const split = isSuccess(response) ? splitIn(response) : undefined;
      return split === undefined
        ? { kind: 'unknown', detail: responseText(endpoint.name, response) }
        : readingOf(split);
    },
    async apply(call) {
      const response = await callEndpoint(endpoint, {
        url,
        method: 'PUT',
        id: call.key,
        timeoutMs: ATTEMPT_TIMEOUT_MS,
        headers: { 'idempotency-key': call.key },
        body: bodyOf(call),
      });
      return 'kind' in response ? response : responseOf(call, response, responseText(endpoint.name, response), clock);
    },
  };
}

const bodyOf = ({
  service,
  environment,
  action,
  canary,
  stable,
  weight,
  id,
  sequence,
  key,
  reason,
}: TrafficCall): object => ({
  service,
  environment,
  action,
  version: canary,
  stable_version: stable,
  weight,
  canary_id: id,
  sequence,
  reason,
  idempotency_key: key,
});

const splitIn = ({ text }: HttpResponse): Split | undefined => Split.safeParse(parseJson(text)).data;

const readingOf = ({ stable_version: stable, version: canary, weight }: Split): TrafficReading => ({
  kind: 'split',
  stable,
  canary,
  weight: canary === null ? 0 : weight,
});

function responseOf(call: TrafficCall, response: HttpResponse, detail: string, clock: Clock): TargetResponse {
  const split = splitIn(response);
  if (response.status === 409) {
    if (split !== undefined && !isSplitOfCall(split, call)) return { kind: 'superseded', current: textOf(split) };
    return { kind: 'busy', detail };
  }
  if (!isSuccess(response)) return resultOfFailure(response, detail, clock);
  if (split === undefined)
    return {
      kind: 'failed',
      detail: `${detail}; a 2xx response must contain {stable_version, version, weight}, so it is not known what happened`,
    };
  if (hasReached(split, call)) return { kind: 'succeeded', id: null };
  return response.status === 202
    ? { kind: 'in_progress', id: null, handle: null }
    : { kind: 'failed', detail: `${detail}; it is not what was requested` };
}

/** Returns whether the traffic belongs to the two versions of the call, in any shares. */
function isSplitOfCall({ stable_version: stable, version }: Split, call: TrafficCall): boolean {
  const isOfCall = (name: string): boolean => sameVersion(name, call.stable) || sameVersion(name, call.canary);
  return isOfCall(stable) && (version === null || isOfCall(version));
}

function hasReached({ stable_version: stable, version, weight }: Split, call: TrafficCall): boolean {
  switch (call.action) {
    case 'promote':
      return sameVersion(stable, call.canary) && version === null;
    case 'abort':
      return sameVersion(stable, call.stable) && (version === null || weight === 0);
    case 'set':
      return (
        sameVersion(stable, call.stable) &&
        version !== null &&
        sameVersion(version, call.canary) &&
        isSameWeight(weight, call.weight)
      );
  }
}

const textOf = ({ stable_version: stable, version }: Split): string =>
  version === null ? stable : `${stable} and ${version}`;
