import * as z from 'zod';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import {
  type TargetResponse,
  type Deployer,
  type RollbackCall,
  sharesName,
} from '../../core/domain/rollback/targets.ts';
import type { HttpDeployer } from './schema.ts';
import type { HttpResponse } from '../shared/http.ts';
import { truncate } from '../shared/text.ts';
import { callEndpoint, isSuccess, responseText, resultOfFailure } from '../webhook/endpoint.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** Milliseconds for one attempt: at most a third of the workflow function's timeout. */
const ATTEMPT_TIMEOUT_MS = 15_000;

const Accepted = z.object({
  id: z.union([z.string(), z.number()]).transform(String).nullish(),
  status: z.enum(['succeeded', 'in_progress', 'failed']),
  status_url: z.string().nullish(),
  error: z.unknown().optional(),
});

const Conflict = z.object({ current_version: z.string() });

/**
 * Creates a deployer for a CD system that implements the `kind: http` contract (docs/reference/deployers.md). The key makes
 * requests idempotent: a repeat with the same key returns the first response and rolls back nothing twice.
 */
export function httpDeployer(
  config: HttpDeployer,
  options: { url: string; serviceEnvironment: ServiceEnvironment; secrets: Secrets; clock: Clock },
): Deployer {
  const { url, serviceEnvironment, secrets, clock } = options;
  const endpoint = { name: 'the deployer', auth: config.auth, secrets, clock };
  return {
    target: url,
    // One CD system deploys many services independently.
    resource: `http ${JSON.stringify([url, serviceEnvironment.service, serviceEnvironment.environment])}`,
    effectClass: 'keyed',
    async rollBack(request) {
      if (sharesName(request) && config.commits !== true)
        return {
          kind: 'refused',
          detail:
            `the CD system calls both versions ${request.to}, so it could only restart the running one; ` +
            'if it reads from_commit and to_commit, set `commits: true` in the deployer',
        };
      const response = await callEndpoint(endpoint, {
        url,
        method: 'POST',
        timeoutMs: ATTEMPT_TIMEOUT_MS,
        id: request.key,
        headers: { 'idempotency-key': request.key },
        body: bodyOf(request),
      });
      return 'kind' in response ? response : responseOf(response, url, clock);
    },
    async status(statusUrl) {
      const absoluteUrl = urlOnSameOrigin(statusUrl, url);
      if (absoluteUrl === undefined)
        return {
          kind: 'failed',
          detail: `the status_url ${truncate(statusUrl, 200)} is not on the origin of the deployer, so it was not called`,
        };
      const response = await callEndpoint(endpoint, {
        url: absoluteUrl,
        method: 'GET',
        id: absoluteUrl,
        timeoutMs: ATTEMPT_TIMEOUT_MS,
      });
      return 'kind' in response ? response : responseOf(response, url, clock);
    },
  };
}

const bodyOf = (request: RollbackCall): object => {
  const { service, environment, from, to, fromCommit, toCommit, incident, reason, key } = request;
  return {
    service,
    environment,
    from_version: from,
    to_version: to,
    ...(fromCommit !== null && { from_commit: fromCommit }),
    ...(toCommit !== null && { to_commit: toCommit }),
    incident_id: incident,
    reason,
    idempotency_key: key,
  };
};

function responseOf(response: HttpResponse, url: string, clock: Clock): TargetResponse {
  const detail = responseText('the CD system', response);
  if (isSuccess(response)) return accepted(parseJson(response.text), url, detail);
  if (response.status !== 409) return resultOfFailure(response, detail, clock);
  const conflict = Conflict.safeParse(parseJson(response.text));
  return conflict.success ? { kind: 'superseded', current: conflict.data.current_version } : { kind: 'busy', detail };
}

function accepted(body: unknown, url: string, detail: string): TargetResponse {
  const parsed = Accepted.safeParse(body);
  if (!parsed.success)
    return {
      kind: 'failed',
      detail: `${detail}; a 2xx response must contain {id, status: succeeded|in_progress|failed}, so the outcome of the rollback is unknown`,
    };
  const { id = null, status, status_url: statusUrl = null } = parsed.data;
  switch (status) {
    case 'succeeded':
      return { kind: 'succeeded', id };
    case 'failed':
      return { kind: 'failed', detail };
    case 'in_progress':
      return { kind: 'in_progress', id, handle: statusUrl === null ? null : withoutOwnOrigin(statusUrl, url) };
  }
}

/** Removes the deployer's own origin from a status URL, so that a workflow can poll after the CD system has moved. */
function withoutOwnOrigin(statusUrl: string, url: string): string {
  const absoluteUrl = urlOnSameOrigin(statusUrl, url);
  if (absoluteUrl === undefined) return statusUrl; // refused when polled
  const { pathname, search } = new URL(absoluteUrl);
  return pathname + search;
}

/**
 * Returns the absolute URL to poll. `statusUrl` is absolute, or relative to the deployer's URL. Undefined if it is on
 * another origin.
 */
function urlOnSameOrigin(statusUrl: string, url: string): string | undefined {
  if (!URL.canParse(statusUrl, url)) return undefined;
  const absoluteUrl = new URL(statusUrl, url);
  return absoluteUrl.origin === new URL(url).origin ? absoluteUrl.href : undefined;
}
