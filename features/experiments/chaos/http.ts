import * as z from 'zod';
import type { ChaosReading } from '../decisions/progress.ts';
import type { ChaosSystem } from '../types.ts';
import type { Clock, Secrets } from '../../../core/domain/ports/system.ts';
import type { HttpExperiments } from '../config.ts';
import { ChaosVerdict, type ChaosRun } from '../experiment.ts';
import type { HttpResponse } from '../../../vendors/shared/http.ts';
import { responseText, callEndpoint, isSuccess, resultOfFailure } from '../../../vendors/webhook/endpoint.ts';
import { parseJson } from '../../../schemas/parsing/json.ts';

/** Milliseconds for one attempt: an alert that aborts the experiment waits for it. */
const ATTEMPT_TIMEOUT_MS = 5000;

const State = z.object({
  status: z.enum(['running', 'stopping', 'ended']),
  verdict: ChaosVerdict.shape.verdict.nullish(),
  detail: z.string().max(1000).nullish(),
});

/**
 * Creates a client for a chaos system that implements Firebreak's contract (docs/reference/experiments.md): `GET` reads
 * the state of a run, and `POST` stops it. A repeated stop has the same key.
 */
export function httpChaos(
  { url, auth }: HttpExperiments,
  { id }: Extract<ChaosRun, { kind: 'http' }>,
  { secrets, clock }: { secrets: Secrets; clock: Clock },
): ChaosSystem {
  const endpoint = { name: 'the chaos system', auth, secrets, clock };
  return {
    target: url,
    async read(): Promise<ChaosReading> {
      const stateUrl = new URL(url);
      stateUrl.searchParams.set('id', id);
      const response = await callEndpoint(endpoint, {
        url: stateUrl.href,
        method: 'GET',
        id: stateUrl.href,
        timeoutMs: ATTEMPT_TIMEOUT_MS,
      });
      if ('kind' in response) return { kind: 'unknown', detail: response.detail, verdict: null };
      const state = stateIn(response);
      if (state === undefined) return { kind: 'unknown', detail: responseText(endpoint.name, response), verdict: null };
      const detail = state.detail ?? `the chaos system reports that it is ${state.status}`;
      const verdict = state.verdict ? { verdict: state.verdict, text: detail, probes: [] } : null;
      return { kind: state.status === 'ended' ? 'ended' : 'running', detail, verdict };
    },
    async stop(key, reason) {
      const response = await callEndpoint(endpoint, {
        url,
        method: 'POST',
        id: key,
        timeoutMs: ATTEMPT_TIMEOUT_MS,
        headers: { 'idempotency-key': key },
        body: { action: 'stop', id, reason, idempotency_key: key },
      });
      if ('kind' in response)
        return response.kind === 'later' ? { ...response, afterSeconds: response.afterSeconds ?? null } : response;
      const detail = responseText(endpoint.name, response);
      if (!isSuccess(response)) {
        const failed = resultOfFailure(response, detail, clock);
        return failed.kind === 'later' ? { ...failed, afterSeconds: failed.afterSeconds ?? null } : failed;
      }
      const state = stateIn(response);
      if (state === undefined)
        return { kind: 'later', detail: `${detail}; a 2xx response must contain {status}`, afterSeconds: null };
      return state.status === 'ended'
        ? { kind: 'taken', detail: state.detail ?? 'the chaos system has confirmed that it is over' }
        : { kind: 'later', detail: `it is ${state.status}`, afterSeconds: null };
    },
  };
}

const stateIn = (response: HttpResponse) =>
  isSuccess(response) ? State.safeParse(parseJson(response.text)).data : undefined;
