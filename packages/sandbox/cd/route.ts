import type { DatabaseSync } from 'node:sqlite';
import type { Context } from 'hono';
import * as z from 'zod';
import type { StandInDeps } from '../core/stand-in.ts';

export const routeTables = `
  create table if not exists cd_routes (
    service text not null,
    environment text not null,
    weights text not null,
    settle_seconds real not null,
    primary key (service, environment)
  );
  create table if not exists cd_route_orders (key text primary key, body text not null);
`;

const Weights = z.record(z.string(), z.number().min(0));

export const RouteState = z.strictObject({
  service: z.string().min(1),
  environment: z.string().min(1),
  weights: Weights,
  settle_seconds: z.number().min(0).default(0),
});
export type RouteState = z.infer<typeof RouteState>;

const RouteOrder = z.object({
  service: z.string().min(1),
  environment: z.string().min(1),
  weights: Weights,
  expected_weights: Weights,
  reason: z.string(),
  incident_id: z.string().min(1),
  idempotency_key: z.string().min(1),
});
type RouteOrder = z.infer<typeof RouteOrder>;

/**
 * A traffic route with the API of `reroute.kind: http`: `GET` and `PUT …/route`. It refuses targets that it does not
 * have, a change of other weights than the expected ones, and a key with another body.
 */
export function routeApi(deps: StandInDeps) {
  const routes = openRoutes(deps.db);
  const shown = ({ weights, settle_seconds }: RouteState) => ({ weights, settle_seconds });
  return {
    read(c: Context): Response {
      const state = routes.get(c.req.query('service') ?? '', c.req.query('environment') ?? '');
      return state === undefined ? c.json({ error: 'unknown route' }, 404) : c.json(shown(state));
    },
    async change(c: Context): Promise<Response> {
      const read = RouteOrder.safeParse(await c.req.json().catch(() => null));
      if (!read.success) return c.json({ error: z.prettifyError(read.error) }, 422);
      const order = read.data;
      if (c.req.header('idempotency-key') !== order.idempotency_key)
        return c.json({ error: 'header Idempotency-Key does not match idempotency_key in the body' }, 422);
      const state = routes.get(order.service, order.environment);
      if (state === undefined) return c.json({ error: 'unknown route' }, 404);
      const earlierBody = routes.body(order.idempotency_key);
      if (earlierBody !== undefined && earlierBody !== bodyOf(order))
        return c.json({ error: 'the key was already used for a different order' }, 422);
      if (earlierBody !== undefined) return c.json(shown(state), isSame(state.weights, order.weights) ? 200 : 409);
      if (!isSame(targetNames(state.weights), targetNames(order.weights)))
        return c.json({ error: `the targets are ${Object.keys(state.weights).join(', ')}` }, 422);
      if (Object.values(order.weights).every((weight) => weight === 0))
        return c.json({ error: 'at least one target must have traffic' }, 422);
      if (!isSame(state.weights, order.expected_weights))
        return c.json({ error: 'the weights have changed', ...shown(state) }, 409);
      const next = { ...state, weights: order.weights };
      routes.store(order.idempotency_key, bodyOf(order), next);
      return c.json(shown(next));
    },
  };
}

type Numbers = Readonly<Record<string, number>>;

const targetNames = (weights: Numbers): Numbers => Object.fromEntries(Object.keys(weights).map((name) => [name, 0]));

const isSame = (a: Numbers, b: Numbers): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.keys(a).every((name) => a[name] === b[name]);

const bodyOf = ({ service, environment, weights, expected_weights }: RouteOrder): string =>
  JSON.stringify([service, environment, weights, expected_weights]);

export function openRoutes(db: DatabaseSync) {
  const one = db.prepare('select * from cd_routes where service = ? and environment = ?');
  const all = db.prepare('select * from cd_routes order by service, environment');
  const body = db.prepare('select body from cd_route_orders where key = ?');
  const insert = db.prepare('insert into cd_route_orders (key, body) values (?, ?)');
  const put = db.prepare(`
    insert or replace into cd_routes (service, environment, weights, settle_seconds) values (?, ?, ?, ?)`);
  const read = (row: unknown): RouteState => {
    const { weights, ...rest } = row as Omit<RouteState, 'weights'> & { weights: string };
    return { ...rest, weights: Weights.parse(JSON.parse(weights)) };
  };
  const set = ({ service, environment, weights, settle_seconds }: RouteState): void =>
    void put.run(service, environment, JSON.stringify(weights), settle_seconds);
  return {
    get(service: string, environment: string): RouteState | undefined {
      const row = one.get(service, environment);
      return row && read(row);
    },
    all: () => all.all().map(read),
    body: (key: string) => (body.get(key) as { body: string } | undefined)?.body,
    store(key: string, text: string, next: RouteState): void {
      insert.run(key, text);
      set(next);
    },
    /** Sets the weights, as a person does. */
    set,
  };
}
