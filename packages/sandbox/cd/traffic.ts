import type { DatabaseSync } from 'node:sqlite';
import type { Context } from 'hono';
import * as z from 'zod';
import { documents } from '../core/exchanges.ts';
import type { StandInDeps } from '../core/stand-in.ts';
import { openRollbacks } from './rollbacks.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

const TrafficOrder = z.object({
  service: z.string().min(1),
  environment: z.string().min(1),
  action: z.enum(['set', 'promote', 'abort']),
  version: z.string().min(1),
  stable_version: z.string().min(1),
  weight: z.number().min(0).max(100),
  canary_id: z.string().min(1),
  sequence: z.number().int().min(1),
  reason: z.string(),
  idempotency_key: z.string().min(1),
});
type TrafficOrder = z.infer<typeof TrafficOrder>;

const TrafficQuery = z.object({
  service: z.string().min(1),
  environment: z.string().min(1),
  stable_version: z.string().min(1).optional(),
});

export type Split = { stable_version: string; version: string | null; weight: number };

/**
 * A router with the API of `traffic.kind: http`: `GET` and `PUT …/traffic`. It refuses an order after one of the same
 * canary with a higher sequence, orders for other versions than those that have the traffic, and a key with another
 * body. Before the first order of a service, the running version is the one that was set at `/sandbox/cd/live`; without
 * one, it trusts the caller.
 */
export function trafficApi(deps: StandInDeps) {
  const traffic = openTraffic(deps.db);
  const live = openRollbacks(deps.db);
  const splitOf = (service: string, environment: string, stable: string | undefined): Split | undefined => {
    const earlierBody = traffic.split(service, environment);
    const runningVersion = live.liveVersion(service, environment) ?? stable;
    return (
      earlierBody ??
      (runningVersion === undefined ? undefined : { stable_version: runningVersion, version: null, weight: 0 })
    );
  };
  return {
    read(c: Context): Response {
      const query = TrafficQuery.safeParse(c.req.query());
      if (!query.success) return c.json({ error: inputProblemText(query.error) }, 422);
      const split = splitOf(query.data.service, query.data.environment, query.data.stable_version);
      return split === undefined ? c.json({ error: 'unknown service' }, 404) : c.json(split);
    },
    async change(c: Context): Promise<Response> {
      const read = TrafficOrder.safeParse(await c.req.json().catch(() => null));
      if (!read.success) return c.json({ error: inputProblemText(read.error) }, 422);
      const order = read.data;
      if (c.req.header('idempotency-key') !== order.idempotency_key)
        return c.json({ error: 'header Idempotency-Key does not match idempotency_key in the body' }, 422);
      const { services } = live.settings();
      if (services && !services.includes(order.service)) return c.json({ error: 'unknown service' }, 404);
      const { service, environment, stable_version: stable } = order;
      const now = splitOf(service, environment, stable) ?? { stable_version: stable, version: null, weight: 0 };
      const earlierBody = traffic.body(order.idempotency_key);
      if (earlierBody !== undefined && earlierBody !== bodyOf(order))
        return c.json({ error: 'the key was already used for a different order' }, 422);
      if (earlierBody !== undefined) return c.json(now);
      if (order.sequence <= traffic.lastSequence(order.canary_id))
        return c.json({ error: 'a newer order of this canary was applied', ...now }, 409);
      if (!hasExpectedVersions(now, order)) return c.json({ error: 'other versions have the traffic', ...now }, 409);
      const next = splitAfter(order);
      traffic.store(order, bodyOf(order), next);
      if (order.action === 'promote') live.setLive({ service, environment, version: order.version });
      return c.json(next);
    },
  };
}

function hasExpectedVersions({ stable_version: stable, version }: Split, order: TrafficOrder): boolean {
  if (order.action === 'promote' && stable === order.version && version === null) return true;
  return stable === order.stable_version && (version === null || version === order.version);
}

function splitAfter({ action, stable_version, version, weight }: TrafficOrder): Split {
  switch (action) {
    case 'set':
      return { stable_version, version, weight };
    case 'promote':
      return { stable_version: version, version: null, weight: 0 };
    case 'abort':
      return { stable_version, version: null, weight: 0 };
  }
}

const bodyOf = (order: TrafficOrder): string => {
  const { service, environment, action, version, stable_version, weight, canary_id, sequence } = order;
  return JSON.stringify([service, environment, action, version, stable_version, weight, canary_id, sequence]);
};

export type Traffic = ReturnType<typeof openTraffic>;

type ServiceEnvironment = { service: string; environment: string };

export function openTraffic(db: DatabaseSync) {
  const splits = documents<Split & ServiceEnvironment>(db, 'cd traffic');
  const orders = documents<{ canary: string; sequence: number; body: string }>(db, 'cd traffic order');
  const set = ({ service, environment }: ServiceEnvironment, { stable_version, version, weight }: Split) =>
    splits.put({ service, environment, stable_version, version, weight }, service, environment);
  return {
    split(service: string, environment: string): Split | undefined {
      const { stable_version, version, weight } = splits.get(service, environment) ?? {};
      return stable_version === undefined
        ? undefined
        : { stable_version, version: version ?? null, weight: weight ?? 0 };
    },
    all: () => splits.all(),
    body: (key: string) => orders.get(key)?.body,
    lastSequence: (canary: string) =>
      Math.max(0, ...orders.all().flatMap((order) => (order.canary === canary ? order.sequence : []))),
    store(order: TrafficOrder, body: string, next: Split): void {
      orders.put({ canary: order.canary_id, sequence: order.sequence, body }, order.idempotency_key);
      set(order, next);
    },
    /** Sets the traffic, as another system or a rollback does. */
    set,
  };
}
