import type { Context } from 'hono';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { FeatureDeps } from '../manifest.ts';
import { authorize } from '../../core/domain/access/access.ts';
import { Refusal } from '../../core/domain/refusal.ts';
import type { Env } from '../../entrances/http/context.ts';
import { type Api, allowFor, requirePrincipal } from '../../entrances/http/endpoint.ts';
import { readBody } from '../../entrances/http/middleware/body.ts';
import { BODY_MAX_BYTES, readIJson, textIn } from '../../entrances/http/middleware/i-json.ts';
import { isLoopbackHostname } from '../../schemas/config/endpoint.ts';
import type { Principal } from '../../schemas/access/access.ts';
import { traceContextOf } from '../../schemas/parsing/traceparent.ts';
import { withPorts } from '../freeze/ports.ts';
import type { Call } from './tool.ts';

/** Codes of JSON-RPC. */
const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;
const METHOD_NOT_FOUND = -32_601;
const SERVER_ERROR = -32_000;

/**
 * Registers the endpoint of the protocol: streamable HTTP with one JSON response for each request. It is not in
 * `/openapi.json`, because the protocol describes its tools itself.
 *
 * @see https://modelcontextprotocol.io/specification
 */
export function routes(app: Api, core: FeatureDeps): void {
  const deps = withPorts(core);
  app.all('/mcp', async (c) => {
    refuseForeignOrigin(c, deps);
    const principal = await requirePrincipal(c);
    if (c.req.method !== 'POST')
      return failure(c, 405, SERVER_ERROR, 'this server has no sessions and no streams: send each message by POST', {
        allow: 'POST',
      });
    const body = await bodyOf(c);
    if (body instanceof Response) return body;
    // Loaded with the first message: most installations of the API get none.
    const { answer } = await import('./server.ts');
    return answer(deps, callOf(c, deps, principal), c.req.raw, body);
  });
}

const callOf = (c: Context<Env>, deps: Pick<Deps, 'clock'>, principal: Principal): Call => ({
  caller: { name: principal.name, allow: (action, scope) => allowFor(deps, principal, action)(scope) },
  may: (action, scope) => authorize(principal, action, scope, deps.clock.now()).allowed,
  request: { trace: c.var.trace, ...traceContextOf(c.req.header('traceparent')) },
});

/**
 * Refuses requests from pages of other sites: a page whose name was made to resolve to this machine (DNS rebinding) has its
 * own origin. Programs send no origin.
 *
 * @throws Refusal 403
 */
function refuseForeignOrigin(c: Context<Env>, { publicUrl }: Pick<Deps, 'publicUrl'>): void {
  const origin = c.req.header('origin');
  if (origin === undefined) return;
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  const isOwn = publicUrl !== undefined && url?.origin === new URL(publicUrl).origin;
  const isLocal =
    url !== undefined && isLoopbackHostname(url.hostname) && isLoopbackHostname(new URL(c.req.url).hostname);
  if (!isOwn && !isLocal)
    throw new Refusal(403, 'origin-not-allowed', 'pages of other sites must not call the MCP server (header Origin)');
}

/** Returns the message in the body, or the response if it can't be one. */
async function bodyOf(c: Context<Env>): Promise<unknown> {
  let body: unknown;
  try {
    body = readIJson(textIn(await readBody(c, BODY_MAX_BYTES)));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return failure(c, error.status, error.status === 400 ? PARSE_ERROR : INVALID_REQUEST, error.detail);
  }
  if (Array.isArray(body))
    return failure(c, 400, INVALID_REQUEST, 'send one message in each request: batches are not supported');
  // A stream would stay open, and on Lambda be paid for. Nothing that it reports changes here.
  const { method, id = null } = (body ?? {}) as { method?: unknown; id?: string | number };
  return method === 'subscriptions/listen'
    ? failure(c, 404, METHOD_NOT_FOUND, 'this server has no subscriptions: its tools do not change', {}, id)
    : body;
}

const failure = (
  c: Context<Env>,
  status: number,
  code: number,
  message: string,
  headers: Record<string, string> = {},
  id: string | number | null = null,
): Response => c.json({ jsonrpc: '2.0', error: { code, message }, id }, status as 400, headers);
