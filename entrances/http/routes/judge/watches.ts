import * as z from 'zod';
import { Refusal } from '../../../../core/domain/refusal.ts';
import type { ApiDeps } from '../../deps.ts';
import { Watch, WatchId, WatchOutcome } from '../../../../schemas/judge/watch.ts';
import {
  type Api,
  answers,
  createRoute,
  endpoint,
  listQuery,
  pageOf,
  problems,
  readable,
  scopeOf,
  scopeQuery,
} from '../../endpoint.ts';

const WatchView = Watch.meta({ id: 'Watch' });

/** Registers the routes of watches: the observation of metrics after a deploy. */
export function watchRoutes(app: Api, deps: Pick<ApiDeps, 'clock' | 'config' | 'watches'>): void {
  endpoint(
    app,
    deps,
    'deployments:read',
    createRoute({
      method: 'get',
      path: '/v1/watches',
      tags: ['canaries'],
      summary: 'List the watches of deploys, newest first',
      request: {
        query: z.object({
          ...listQuery,
          ...scopeQuery,
          outcome: z.enum([...WatchOutcome.options, 'running']).optional(),
        }),
      },
      responses: { 200: answers('A page of watches', pageOf(WatchView)) },
    }),
    async (c) => {
      const { limit, cursor, outcome, ...query } = c.req.valid('query');
      const scope = await scopeOf(deps, c, query);
      const read = (from?: string) =>
        deps.watches.list({ limit, ...(from && { cursor: from }), ...scope, ...(outcome && { outcome }) });
      return c.json(await readable(c.var, read, cursor), 200);
    },
  );

  endpoint(
    app,
    deps,
    'deployments:read',
    createRoute({
      method: 'get',
      path: '/v1/watches/{id}',
      tags: ['canaries'],
      summary: 'Get the watch of a deploy, with its checks',
      request: { params: z.object({ id: WatchId }) },
      responses: { 200: answers('The watch', WatchView), 404: problems('Not found') },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const watch = await deps.watches.view(id);
      if (watch === undefined) throw new Refusal(404, 'unknown-watch', `no watch has the ID ${id}`);
      c.var.allow(watch);
      return c.json(watch, 200);
    },
  );
}
