import { type OpenAPIHono, type RouteConfig, type RouteHandler, z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { authorize, type Scope } from '../../domain/access.ts';
import type { Deps, Page, Place } from '../../domain/ports.ts';
import type { Action, Principal } from '../../schemas/access.ts';
import type { Env } from './context.ts';
import { iJson } from './i-json.ts';
import { Problem, Refusal } from './problem.ts';

/** `public`: no credential is looked at. `receiver`: the handler checks the sender, who may sign instead. */
export type Access = Action | 'public' | 'receiver';

export type Api = OpenAPIHono<Env>;

/** Of callers that can't send a header: the token stands in the address, as `?key=`. */
const BY_KEY: readonly Action[] = ['flagger:gate'];

/**
 * Registers one route. There is no other way in, and none without saying who may call it. The description of it goes
 * into `/openapi.json`.
 */
export function endpoint<R extends RouteConfig & { getRoutingPath(): string }>(
  app: Api,
  deps: Deps,
  access: Access,
  route: R,
  handler: RouteHandler<R, Env>,
): void {
  const known = access !== 'public' && access !== 'receiver';
  if (known) app.on(route.method.toUpperCase(), route.getRoutingPath(), guard(deps, access), iJson);
  if (access !== 'public') {
    const byKey = known && BY_KEY.includes(access);
    route.security = [{ bearer: [] }, { basic: [] }, ...(byKey ? [{ key: [] }] : [])];
    Object.assign(route.responses, refusals);
  }
  app.openapi(route, handler);
}

const refusals = {
  401: {
    description: 'No credential, or one that is not known',
    content: { 'application/problem+json': { schema: Problem } },
  },
  403: { description: 'Known, but not allowed', content: { 'application/problem+json': { schema: Problem } } },
};

const guard =
  (deps: Deps, action: Action): MiddlewareHandler<Env> =>
  async (c, next) => {
    const key = BY_KEY.includes(action) ? c.req.query('key') : undefined;
    const authorization = c.req.header('authorization') ?? (key && `Bearer ${key}`);
    const principal = await c.var.principalOf(authorization);
    if (principal === undefined)
      throw new Refusal(401, 'unauthorized', 'send Authorization: Bearer with a token that this Firebreak knows');
    if (key !== undefined) refuseStrong(principal);
    const allow = allower(deps, principal, action);
    allow({});
    c.set('principal', principal);
    c.set('who', { name: principal.name, allow: (one, scope) => allower(deps, principal, one)(scope) });
    c.set('allow', allow);
    c.set('may', (scope) => authorize(principal, action, scope, deps.clock.now()).allowed);
    await next();
  };

/** Addresses are kept in many places. A token that stands in one must be of no use for anything else. */
function refuseStrong({ name, actions }: Principal): void {
  if (actions.every((action) => action !== '*' && BY_KEY.includes(action))) return;
  throw new Refusal(
    403,
    'forbidden',
    `${name} may do more than ${BY_KEY.join(', ')}, so it may not stand in an address`,
  );
}

/** Refuses what the principal may not do. */
export const allower =
  (deps: Pick<Deps, 'clock'>, principal: Principal, action: Action) =>
  (scope: Scope): void => {
    const answer = authorize(principal, action, scope, deps.clock.now());
    if (!answer.allowed) throw new Refusal(403, 'forbidden', answer.because);
  };

/**
 * A page of what the caller may see. It can hold fewer items than asked for, but none only at the end of the list.
 *
 * @param read gives the page that begins at a cursor
 */
export async function seen<T extends Place>(
  { may }: Pick<Env['Variables'], 'may'>,
  read: (cursor: string | undefined) => Promise<Page<T>>,
  cursor: string | undefined,
): Promise<Page<T>> {
  const { items, next_cursor } = await read(cursor);
  const visible = items.filter(({ service, environment }) => may({ service, environment }));
  if (visible.length > 0 || next_cursor === null) return { items: visible, next_cursor };
  return seen({ may }, read, next_cursor);
}

/** `?limit&cursor` of every list. */
export const listQuery = {
  limit: z.coerce.number().int().min(1).max(500).default(50).openapi({ description: 'At most so many items' }),
  cursor: z.string().max(2048).optional().openapi({ description: 'next_cursor of the page before' }),
};

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next_cursor: z.string().nullable() });

/** A JSON answer, for the description. */
export const answers = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { 'application/json': { schema } },
});

export const problems = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: Problem } },
});

/** A JSON body that must be there. */
export const body = <T extends z.ZodType>(schema: T) => ({
  body: { required: true, content: { 'application/json': { schema } } },
});
