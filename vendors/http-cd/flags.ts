import * as z from 'zod';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import type { TargetResponse, FlagRequest, Flags } from '../../core/domain/rollback/targets.ts';
import type { FlagsConfig } from '../../schemas/rollback/targets.ts';
import type { HttpResponse, Later } from '../shared/http.ts';
import { truncate } from '../shared/text.ts';
import * as endpoint from '../webhook/endpoint.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** The configuration of a flag service that implements the contract in `docs/how-to/flags.md`. */
export type HttpFlags = Extract<FlagsConfig, { kind: 'http' }>;

/** Milliseconds. Setting a flag takes one read and at most one write: 15 s together. */
const READ_TIMEOUT_MS = 5_000;
const CHANGE_TIMEOUT_MS = 10_000;

const State = z.object({ on: z.boolean() });

/**
 * The body of a 409 response. With `on`, the flag has been changed since; without it, the service refuses the change.
 */
const Conflict = z.object({ on: z.boolean(), error: z.string().optional() });

/**
 * Creates a client for a flag service that supports GET and PUT (docs/how-to/flags.md). Setting a state is idempotent; the key
 * lets the service distinguish a retry from a new change.
 */
export function httpFlags(
  config: HttpFlags,
  { serviceEnvironment, secrets, clock }: { serviceEnvironment: ServiceEnvironment; secrets: Secrets; clock: Clock },
): Flags {
  const service = { name: 'the flag service', auth: config.auth, secrets, clock };
  const call = async (flag: string, change?: FlagRequest): Promise<HttpResponse | endpoint.Refused | Later> => {
    const address = addressOf(config.url, { flag, environment: serviceEnvironment.environment });
    if ('refused' in address) return { kind: 'refused', detail: address.refused };
    return endpoint.callEndpoint(
      service,
      change === undefined
        ? { ...address, method: 'GET', id: address.url, timeoutMs: READ_TIMEOUT_MS }
        : {
            ...address,
            method: 'PUT',
            headers: { 'idempotency-key': change.key },
            body: bodyOf(change),
            id: change.key,
            timeoutMs: CHANGE_TIMEOUT_MS,
          },
    );
  };

  const read = async (flag: string): ReturnType<Flags['read']> => {
    const response = await call(flag);
    if ('kind' in response) return response;
    if (!endpoint.isSuccess(response)) return flagFailure(response, { flag, serviceEnvironment, clock });
    const state = State.safeParse(parseJson(response.text));
    return state.success
      ? { kind: 'state', on: state.data.on }
      : {
          kind: 'refused',
          detail: `${serviceResponseText(response)}; the response to GET must contain {"on": true} or {"on": false}`,
        };
  };

  return {
    target: `feature flags at ${config.url}`,
    resource: (flag) => `flag ${JSON.stringify([config.url, serviceEnvironment.environment, flag])}`,
    effectClass: 'convergent',
    read,
    async set(request) {
      const before = await read(request.flag);
      if (before.kind !== 'state') return before;
      if (before.on === request.on) return { kind: 'succeeded', id: null };
      const response = await call(request.flag, request);
      if ('kind' in response) return response;
      if (endpoint.isSuccess(response)) return accepted(response, request.on);
      return conflict(response, request.on) ?? flagFailure(response, { flag: request.flag, serviceEnvironment, clock });
    },
  };
}

const bodyOf = ({ flag, environment, service, on, reason, incident, key }: FlagRequest): object => ({
  flag,
  environment,
  service,
  on,
  reason,
  incident_id: incident,
  idempotency_key: key,
});

const serviceResponseText = (response: HttpResponse): string => endpoint.responseText('the flag service', response);

const stateText = (on: boolean): string => (on ? 'on' : 'off');

function accepted(response: HttpResponse, requested: boolean): TargetResponse {
  const state = State.safeParse(parseJson(response.text));
  if (!state.success) {
    // The flag may have been set; the next attempt reads it first.
    return {
      kind: 'later',
      detail: `${serviceResponseText(response)}, without the state {"on": …}`,
      afterSeconds: null,
    };
  }
  if (state.data.on === requested) return { kind: 'succeeded', id: null };
  if (response.status === 202) return { kind: 'in_progress', id: null, handle: null };
  return {
    kind: 'failed',
    detail: `${serviceResponseText(response)}, so the flag is still ${stateText(state.data.on)}`,
  };
}

function conflict(response: HttpResponse, requested: boolean): TargetResponse | undefined {
  if (response.status !== 409) return undefined;
  const parsed = Conflict.safeParse(parseJson(response.text));
  if (!parsed.success || parsed.data.on === requested) return undefined;
  const { on, error } = parsed.data;
  return { kind: 'superseded', current: stateText(on) + (error === undefined ? '' : `: ${truncate(error, 300)}`) };
}

function flagFailure(
  response: HttpResponse,
  { flag, serviceEnvironment, clock }: { flag: string; serviceEnvironment: ServiceEnvironment; clock: Clock },
): endpoint.Refused | Later {
  const flagText = `flag ${JSON.stringify(flag)} in environment ${JSON.stringify(serviceEnvironment.environment)}`;
  const missing = response.status === 404 ? `the flag service has no ${flagText}; ` : '';
  return endpoint.resultOfFailure(response, missing + serviceResponseText(response), clock);
}

/**
 * Returns the URL of a flag, from the configured template.
 *
 * Encodes names so that they can't change the path. Refuses `.` and `..`, which change the path even when encoded.
 */
function addressOf(
  template: string,
  { flag, environment }: { flag: string; environment: string },
): { url: string } | { refused: string } {
  if (!template.includes('{flag}'))
    return { refused: `the address of the flag service, ${template}, has no placeholder {flag}` };
  const refusedName = [flag, environment].find((name) => !isSegment(name));
  if (refusedName !== undefined)
    return { refused: `${JSON.stringify(refusedName)} is not allowed in a URL, so nothing was called` };
  return {
    url: template
      .replaceAll('{flag}', () => encodeURIComponent(flag))
      .replaceAll('{environment}', () => encodeURIComponent(environment)),
  };
}

const isSegment = (name: string): boolean => !/^\.{0,2}$/.test(name) && name.isWellFormed();
