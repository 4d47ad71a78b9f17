import type { DatabaseSync } from 'node:sqlite';
import type { Context } from 'hono';
import * as z from 'zod';
import { documents } from '../core/exchanges.ts';
import type { StandInDeps } from '../core/stand-in.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

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
      if (!read.success) return c.json({ error: inputProblemText(read.error) }, 422);
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
  const routes = documents<RouteState>(db, 'cd route');
  const orders = documents<string>(db, 'cd route order');
  /** Sets the weights, as a person does. */
  const set = (route: RouteState) => routes.put(route, route.service, route.environment);
  return {
    get: (service: string, environment: string) => routes.get(service, environment),
    all: () => routes.all(),
    body: (key: string) => orders.get(key),
    store(key: string, text: string, next: RouteState): void {
      orders.put(text, key);
      set(next);
    },
    set,
  };
}
