import type { createRoute as describeRoute, OpenAPIHono, RouteConfig, RouteHandler } from '@hono/zod-openapi';
import * as z from 'zod';
import type { Context, MiddlewareHandler } from 'hono';
import { authorize, type Scope } from '../../core/domain/access/access.ts';
import { inConfiguredSpelling, type RequestedScope } from '../../core/domain/catalogue/known-names.ts';
import type { Page, ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { ReportReader } from '../../core/domain/ports/reports.ts';
import type { Action, Principal } from '../../schemas/access/access.ts';
import { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import { Since } from '../../schemas/time/since.ts';
import type { Env } from './context.ts';
import { inBytes } from './list-bytes.ts';
import { senderOf } from './middleware/authentication.ts';
import { iJson } from './middleware/i-json.ts';
import { Problem } from './problem.ts';
import { Refusal } from '../../core/domain/refusal.ts';

/** `public`: no authentication. `receiver`: the handler authenticates the sender, by token or signature. */
export type Access = Action | 'public' | 'receiver';

export type Api = OpenAPIHono<Env>;

/**
 * Returns the description of a route, with its path as Hono writes it. Does the same as `createRoute` of
 * `@hono/zod-openapi`, which only the HTTP application loads: it brings all of zod, with its languages, into the bundle of
 * each function that knows the routes.
 */
export const createRoute = ((route: { path: string }) =>
  Object.defineProperty(
    { ...route, getRoutingPath: () => route.path.replaceAll(/\/\{([^{}]+)\}/g, '/:$1') },
    'getRoutingPath',
    { enumerable: false },
  )) as unknown as typeof describeRoute;

/** Actions of callers that can't send a header: their token can be in the query string, as `?key=`. */
const KEY_ACTIONS: readonly Action[] = ['flagger:gate'];

/**
 * Registers one route with its required permission. All routes are registered here. The route's description goes into
 * `/openapi.json`.
 */
export function endpoint<R extends RouteConfig & { getRoutingPath(): string }>(
  app: Api,
  deps: Pick<Deps, 'clock'>,
  access: Access,
  route: R,
  handler: RouteHandler<R, Env>,
): void {
  const needsToken = access !== 'public' && access !== 'receiver';
  if (needsToken) {
    const isFiltered = access.endsWith(':read') && isListOrReport(route);
    const checks = [
      requireAction(deps, access),
      ...(takesJsonOnly(route) ? [iJson] : []),
      ...(isFiltered ? [refuseUnknownParameters(route)] : []),
    ];
    app.on(route.method.toUpperCase(), [route.getRoutingPath()], ...checks);
    if (isFiltered) Object.assign(route.responses, { 400: problems('A query parameter is unknown') });
  }
  if (access !== 'public') {
    const byKey = needsToken && KEY_ACTIONS.includes(access);
    route.security = [{ bearer: [] }, { basic: [] }, ...(byKey ? [{ key: [] }] : [])];
    Object.assign(route.responses, refusals);
  }
  app.openapi(route, isList(route) ? inBytes(handler) : handler);
}

const isList = ({ request }: RouteConfig): boolean =>
  request?.query instanceof z.ZodObject && 'limit' in request.query.shape && 'cursor' in request.query.shape;

/** A GET has no body. Bodies in other formats are read and checked by their handlers. */
const takesJsonOnly = ({ method, request }: RouteConfig): boolean =>
  method !== 'get' && Object.keys(request?.body?.content ?? {}).every((type) => type === 'application/json');

/** Of a single record, there is nothing to filter. */
const isListOrReport = ({ method, path, request, responses }: RouteConfig): boolean =>
  method === 'get' &&
  path.startsWith('/v1/') &&
  (request?.query !== undefined || !path.includes('{') || hasItems(responses[200]));

function hasItems(answer: RouteConfig['responses'][string] | undefined): boolean {
  const json = answer !== undefined && 'content' in answer ? answer.content?.['application/json'] : undefined;
  return json !== undefined && 'schema' in json && json.schema instanceof z.ZodObject && 'items' in json.schema.shape;
}

/** Returns middleware that refuses query parameters that a route does not have: without its filter, a list would be another one. */
function refuseUnknownParameters({ request }: RouteConfig): MiddlewareHandler<Env> {
  const known = request?.query instanceof z.ZodObject ? Object.keys(request.query.shape) : [];
  return async (c, next) => {
    const unknown = Object.keys(c.req.queries()).filter((name) => !known.includes(name));
    if (unknown.length > 0)
      throw new Refusal(
        400,
        'unknown-parameter',
        `unknown query parameter ${unknown.map((name) => JSON.stringify(name)).join(', ')}; ${known.length === 0 ? 'there are none here' : `known are ${known.join(', ')}`}`,
      );
    await next();
  };
}

const refusals = {
  401: {
    description: 'The credential is missing or unknown',
    content: { 'application/problem+json': { schema: Problem } },
  },
  403: {
    description: 'The credential does not allow this',
    content: { 'application/problem+json': { schema: Problem } },
  },
};

/** Where a caller sends its token. */
const IN_HEADER = 'the token is missing, unknown, or expired; send a valid one in Authorization: Bearer';
const IN_URL = 'the key is missing, unknown, or expired; send a valid token at the end of the URL as ?key=TOKEN';

/**
 * Returns the owner of a token.
 *
 * @param authorization the header `Authorization`
 * @param missing what to do without a valid token
 * @throws Refusal 401 without a valid token
 */
export async function requirePrincipal(
  c: Context<Env>,
  authorization: string | undefined = c.req.header('authorization'),
  missing: string = IN_HEADER,
): Promise<Principal> {
  const principal = await c.get('principalOf')(authorization);
  if (principal !== undefined) return principal;
  throw new Refusal(401, 'unauthorized', missing);
}

/** Returns middleware that refuses callers whose token does not allow the action, and sets the caller for the handler. */
const requireAction =
  (deps: Pick<Deps, 'clock'>, action: Action): MiddlewareHandler<Env> =>
  async (c, next) => {
    const takesKey = KEY_ACTIONS.includes(action);
    const key = takesKey ? c.req.query('key') : undefined;
    const header = c.req.header('authorization');
    const isByKey = takesKey && header === undefined;
    const principal = await requirePrincipal(c, header ?? (key && `Bearer ${key}`), isByKey ? IN_URL : IN_HEADER);
    if (key !== undefined) refusePowerfulKey(principal);
    const allow = allowFor(deps, principal, action);
    allow({});
    c.set('principal', principal);
    c.set('caller', { name: principal.name, allow: (requested, scope) => allowFor(deps, principal, requested)(scope) });
    c.set('allow', allow);
    c.set('may', (scope) => authorize(principal, action, scope, deps.clock.now()).allowed);
    await next();
  };

/**
 * Refuses a token in the query string that allows more than the gate. URLs are logged in many places, so a token in a
 * URL must be useless for everything else.
 *
 * @throws Refusal 403
 */
function refusePowerfulKey({ name, actions }: Principal): void {
  if (actions.every((action) => action !== '*' && KEY_ACTIONS.includes(action))) return;
  throw new Refusal(
    403,
    'forbidden',
    `the token ${name} allows more than ${KEY_ACTIONS.join(', ')}, so it must not be used in a URL; create a token for this action only`,
  );
}

/** Returns a function that throws Refusal 403 unless the principal may do the action in the given scope. */
export const allowFor =
  (deps: Pick<Deps, 'clock'>, principal: Principal, action: Action) =>
  (scope: Scope): void => {
    const decision = authorize(principal, action, scope, deps.clock.now());
    if (!decision.allowed) throw new Refusal(403, 'forbidden', decision.because);
  };

/**
 * Returns a page of the items that the caller may see. A page can have fewer items than the limit, but is empty only at
 * the end of the list.
 *
 * @param read returns the page that starts at a cursor
 */
export const readable = <T extends ServiceEnvironment>(
  { may }: Pick<Env['Variables'], 'may'>,
  read: (cursor: string | undefined) => Promise<Page<T>>,
  cursor: string | undefined,
): Promise<Page<T>> => readableWhere(({ service, environment }: T) => may({ service, environment }), read, cursor);

/** Returns such a page of the items for which `isReadable` is true. */
export async function readableWhere<T>(
  isReadable: (item: T) => boolean,
  read: (cursor: string | undefined) => Promise<Page<T>>,
  cursor: string | undefined,
): Promise<Page<T>> {
  const { items, next_cursor } = await read(cursor);
  const visible = items.filter(isReadable);
  if (visible.length > 0 || next_cursor === null) return { items: visible, next_cursor };
  return readableWhere(isReadable, read, next_cursor);
}

/** The query parameters `?service&environment` of lists and reports. */
export const scopeQuery = { service: ServiceName.optional(), environment: EnvironmentName.optional() };

/**
 * Returns the service and environment that a query names, without absent ones, in the spelling of the configuration.
 *
 * @throws Refusal 403 if the caller may not read them
 */
export async function scopeOf(
  { config }: Pick<Deps, 'config'>,
  { var: { allow } }: Pick<Context<Env>, 'var'>,
  { service, environment }: RequestedScope,
): Promise<Partial<ServiceEnvironment>> {
  const named = {
    ...(service && { service: ServiceName.parse(service) }),
    ...(environment && { environment: EnvironmentName.parse(environment) }),
  };
  const scope = inConfiguredSpelling(await config.current(), named);
  allow(scope);
  return scope;
}

/** Returns whether something belongs to a service and environment. Absent ones match all. */
export const isIn = (
  scope: Partial<ServiceEnvironment>,
  { service, environment }: { service: string; environment: string },
): boolean => (scope.service ?? service) === service && (scope.environment ?? environment) === environment;

/** The query parameters `?limit&cursor` of every list. */
export const listQuery = {
  limit: z.coerce.number().int().min(1).max(500).default(50).meta({ description: 'Maximum number of items' }),
  cursor: z.string().max(2048).optional().meta({ description: 'The next_cursor of the previous page' }),
};

/** Returns the caller as the reader of reports. */
export const readerOf = ({ var: { principal } }: Context<Env>): NonNullable<ReportReader> => ({
  name: senderOf(principal),
  grants: [principal],
});

/** The query parameter `?since` of reports. A copy, because schemas that were created before zod-openapi lack `openapi`. */
export const sinceQuery = Since.clone().meta({
  type: 'string',
  description: 'How far to look back: 12h, 30d, 4w; at most 90 days',
  example: '30d',
});

/** Describes a page of a list: its items, and the cursor of the next page. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next_cursor: z.string().nullable() });

/** Describes a JSON response for OpenAPI. */
export const answers = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { 'application/json': { schema } },
});

/** Describes an error response for OpenAPI. */
export const problems = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: Problem } },
});

/** Describes a required JSON body for OpenAPI. */
export const body = <T extends z.ZodType>(schema: T) => ({
  body: { required: true, content: { 'application/json': { schema } } },
});

/** Seconds of the units of `window`. */
export const UNIT_SECONDS = { h: 3600, d: 86_400, w: 7 * 86_400 } as const;
const WINDOW_MAX_SECONDS = 366 * UNIT_SECONDS.d;

/** The query parameter `window`, in seconds. */
export const Window = z
  .string()
  .regex(/^[1-9]\d{0,4}[hdw]$/, 'Give hours, days, or weeks, such as 24h, 28d, or 4w')
  .transform((text) => Number(text.slice(0, -1)) * UNIT_SECONDS[text.slice(-1) as keyof typeof UNIT_SECONDS])
  .refine((seconds) => seconds <= WINDOW_MAX_SECONDS, 'At most 366 days')
  .meta({
    type: 'string',
    description: 'The time until now that counts: 7d, 4w, 365d; at most 366 days',
    example: '14d',
  });
