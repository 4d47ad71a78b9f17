import * as z from 'zod';
import { inConfiguredSpelling } from '../../../core/domain/catalogue/known-names.ts';
import { viewOf } from '../decisions/state.ts';
import type { Deps } from '../ports.ts';
import { FreezeView, NewFreeze } from '../schemas/freeze.ts';
import { requireFreeze, liftFreeze, mayRead, openFreeze, scopeOf } from '../actions/freezes.ts';
import { FREEZES } from '../reports.ts';
import {
  type Api,
  answers,
  body,
  createRoute,
  endpoint,
  listQuery,
  pageOf,
  problems,
  readerOf,
  scopeQuery,
} from '../../../entrances/http/endpoint.ts';
import { endingBody, endingQuery, endingReason } from './access.ts';
import { newId } from '../../../entrances/http/new-id.ts';
import { overrideRoutes } from './overrides.ts';

const Shown = FreezeView.meta({ id: 'Freeze' });
const Created = FreezeView.extend({
  /** Possible mistakes, such as an unknown environment. */
  warnings: z.array(z.string()),
  /** Names of the frozen services: the one in its scope, or the matching ones of the catalogue. */
  services: z.array(z.string()),
}).meta({ id: 'NewFreeze' });
const params = z.object({ id: z.string().min(1).max(128) });

/** Registers the routes of freezes and overrides. */
export function freezeRoutes(app: Api, deps: Deps): void {
  overrideRoutes(app, deps);
  endpoint(
    app,
    deps,
    'freezes:write',
    createRoute({
      method: 'post',
      path: '/v1/freezes',
      tags: ['freezes'],
      summary: 'Freeze deploys of a service or a team, in one or all environments, now or from a given time',
      request: body(NewFreeze),
      responses: { 201: answers('Created', Created), 422: problems('Validation failed') },
    }),
    async (c) => {
      const { freeze, warnings, services } = await openFreeze(deps, c.var.caller, {
        id: newId('frz', c.var.requestKey),
        freeze: c.req.valid('json'),
      });
      return c.json({ ...viewOf(freeze, deps.clock.now()), warnings, services }, 201);
    },
  );

  endpoint(
    app,
    deps,
    'freezes:read',
    createRoute({
      method: 'get',
      path: '/v1/freezes',
      tags: ['freezes'],
      summary: 'List freezes, newest first, including ended ones',
      request: {
        query: z.object({
          ...listQuery,
          ...scopeQuery,
          state: FreezeView.shape.state.optional(),
        }),
      },
      responses: { 200: answers('A page of results', pageOf(Shown)) },
    }),
    async (c) => {
      c.var.allow({});
      const query = inConfiguredSpelling(await deps.config.current(), c.req.valid('query'));
      return c.json((await deps.reports.read(FREEZES, query, readerOf(c))).value, 200);
    },
  );

  endpoint(
    app,
    deps,
    'freezes:read',
    createRoute({
      method: 'get',
      path: '/v1/freezes/{id}',
      tags: ['freezes'],
      summary: 'Get a freeze with its overrides and their uses',
      request: { params },
      responses: { 200: answers('The freeze', Shown), 404: problems('Not found') },
    }),
    async (c) => {
      // Which freezes are required is the same for all readers.
      const freeze = await requireFreeze(deps, c.req.valid('param').id, { ...readerOf(c), grants: [] });
      if (!mayRead(c.var.may, freeze)) c.var.allow(scopeOf(freeze));
      return c.json(viewOf(freeze, deps.clock.now()), 200);
    },
  );

  endpoint(
    app,
    deps,
    'freezes:write',
    createRoute({
      method: 'delete',
      path: '/v1/freezes/{id}',
      tags: ['freezes'],
      summary: 'Lift a freeze; it reopens only after its cause has first ended and then occurred again',
      request: { params, query: endingQuery },
      ...endingBody,
      responses: { 200: answers('Lifted', Shown), 404: problems('Not found') },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const reason = (await endingReason(c, c.req.valid('query'))) ?? null;
      const { freeze } = await liftFreeze(deps, c.var.caller, { id, reason });
      return c.json(viewOf(freeze, deps.clock.now()), 200);
    },
  );
}
