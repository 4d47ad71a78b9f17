import * as z from 'zod';
import type { ApiDeps } from '../../deps.ts';
import { PinView } from '../../../../schemas/changes/pin.ts';
import { type Api, answers, createRoute, endpoint, listQuery, pageOf, problems, readable } from '../../endpoint.ts';
import { liftPin } from '../../../../core/actions/changes/lift-pin.ts';

const Pinned = PinView.meta({ id: 'PinnedVersion' });
const params = z.object({ id: z.string().min(1).max(128) });

/** Registers the routes of pinned versions, which are known bad. */
export function pinnedVersionRoutes(app: Api, deps: Pick<ApiDeps, 'clock' | 'incidents' | 'pins'>): void {
  endpoint(
    app,
    deps,
    'versions:read',
    createRoute({
      method: 'get',
      path: '/v1/versions/pinned',
      tags: ['versions'],
      summary: 'List versions known bad, newest first; with all=true, including lifted ones',
      request: { query: z.object({ ...listQuery, all: z.enum(['true', 'false']).default('false') }) },
      responses: { 200: answers('A page of results', pageOf(Pinned)) },
    }),
    async (c) => {
      const { limit, cursor, all } = c.req.valid('query');
      c.var.allow({});
      const read = (from?: string) => deps.pins.list({ limit, all: all === 'true', ...(from && { cursor: from }) });
      return c.json(await readable(c.var, read, cursor), 200);
    },
  );

  endpoint(
    app,
    deps,
    'versions:write',
    createRoute({
      method: 'delete',
      path: '/v1/versions/pinned/{id}',
      tags: ['versions'],
      summary: 'Lift a pin: allow the version to be deployed again',
      request: { params },
      responses: { 200: answers('Lifted', Pinned), 404: problems('Not found') },
    }),
    async (c) => {
      return c.json(await liftPin(deps, c.var.caller, c.req.valid('param').id), 200);
    },
  );
}
