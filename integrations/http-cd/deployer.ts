import * as z from 'zod';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Clock, Secrets } from '../../domain/ports/system.ts';
import type { ActAnswer, Deployer, RollbackRequest } from '../../domain/rollback/targets.ts';
import type { HttpDeployer } from '../../schemas/config/deployers.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { type Answer, call, json, NoAnswer, retryAfterSeconds } from '../shared/http.ts';
import { truncate } from '../shared/text.ts';
import { signedHeaders } from '../webhook/standard-webhooks.ts';

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
  options: { url: string; place: ServiceEnvironment; secrets: Secrets; clock: Clock },
): Deployer {
  const { url, place, secrets, clock } = options;
  const attempt = async (request: {
    url: string;
    method: string;
    headers?: Record<string, string>;
    body?: string;
    id: string;
  }): Promise<Answer | ActAnswer> => {
    const auth = await authHeaders(config, secrets, clock, request.id, request.body ?? '');
    if ('refused' in auth) return { kind: 'refused', detail: auth.refused };
    try {
      return await call(request.url, {
        method: request.method,
        headers: { accept: 'application/json', ...request.headers, ...auth.headers },
        ...(request.body === undefined ? {} : { body: request.body }),
        timeoutMs: ATTEMPT_TIMEOUT_MS,
      });
    } catch (error) {
      if (error instanceof NoAnswer) return { kind: 'later', detail: error.message, afterSeconds: null };
      throw error;
    }
  };
  return {
    target: url,
    // One CD system deploys many services independently.
    resource: `http ${JSON.stringify([url, place.service, place.environment])}`,
    effectClass: 'keyed',
    async rollBack(request) {
      const answer = await attempt({
        url,
        method: 'POST',
        id: request.key,
        headers: { 'content-type': 'application/json', 'idempotency-key': request.key },
        body: bodyOf(request),
      });
      return 'kind' in answer ? answer : read(answer, url, clock);
    },
    async status(statusUrl) {
      const at = sameOrigin(statusUrl, url);
      if (at === undefined)
        return {
          kind: 'failed',
          detail: `the status_url ${truncate(statusUrl, 200)} is not on the origin of the deployer, so it was not called`,
        };
      const answer = await attempt({ url: at, method: 'GET', id: at });
      return 'kind' in answer ? answer : read(answer, url, clock);
    },
  };
}

const bodyOf = ({ service, environment, from, to, incident, reason, key }: RollbackRequest): string =>
  JSON.stringify({
    service,
    environment,
    from_version: from,
    to_version: to,
    incident_id: incident,
    reason,
    idempotency_key: key,
  });

async function authHeaders(
  { auth }: HttpDeployer,
  secrets: Secrets,
  clock: Clock,
  id: string,
  body: string,
): Promise<{ headers: Record<string, string> } | { refused: string }> {
  if (auth === undefined) return { headers: {} };
  const name = 'bearer' in auth ? auth.bearer : auth.webhookSignature;
  const secret = await secrets.get(name);
  if (!secret) return { refused: `the deployer's secret ${name} is not set, so it was not called` };
  return {
    headers:
      'bearer' in auth ? { authorization: `Bearer ${secret}` } : signedHeaders(secret, id, millisOf(clock.now()), body),
  };
}

function read(answer: Answer, url: string, clock: Clock): ActAnswer {
  const { status, headers, text } = answer;
  const said = `the CD system answered ${status}${text.trim() === '' ? '' : `: ${truncate(text.trim(), 300)}`}`;
  if (status >= 200 && status < 300) return accepted(json(text), url, said);
  if (status === 409) {
    const conflict = Conflict.safeParse(json(text));
    return conflict.success
      ? { kind: 'superseded', current: conflict.data.current_version }
      : { kind: 'busy', detail: said };
  }
  if (status === 429 || status >= 500 || status === 408)
    return { kind: 'later', detail: said, afterSeconds: retryAfterSeconds(headers, millisOf(clock.now())) };
  return { kind: 'refused', detail: said };
}

function accepted(body: unknown, url: string, said: string): ActAnswer {
  const told = Accepted.safeParse(body);
  if (!told.success)
    return {
      kind: 'failed',
      detail: `${said}; a 2xx response must contain {id, status: succeeded|in_progress|failed}, so the outcome of the rollback is unknown`,
    };
  const { id = null, status, status_url: statusUrl = null } = told.data;
  if (status === 'succeeded') return { kind: 'succeeded', id };
  if (status === 'failed') return { kind: 'failed', detail: said };
  return { kind: 'in_progress', id, handle: statusUrl === null ? null : portable(statusUrl, url) };
}

/** Removes the deployer's own origin from a status URL, so that a workflow can poll after the CD system has moved. */
function portable(statusUrl: string, url: string): string {
  const at = sameOrigin(statusUrl, url);
  if (at === undefined) return statusUrl; // refused when polled
  const { pathname, search } = new URL(at);
  return pathname + search;
}

/**
 * Returns the absolute URL to poll. `statusUrl` is absolute, or relative to the deployer's URL. Undefined if it is on
 * another origin.
 */
function sameOrigin(statusUrl: string, url: string): string | undefined {
  if (!URL.canParse(statusUrl, url)) return undefined;
  const at = new URL(statusUrl, url);
  return at.origin === new URL(url).origin ? at.href : undefined;
}
