import * as z from 'zod';
import { overrideWarnings } from '../decisions/exemptions/overrides.ts';
import type { Deps } from '../ports.ts';
import { NewOverride, Override } from '../schemas/freeze.ts';
import { approveOverride, giveOverride, withdrawOverride } from '../actions/overrides.ts';
import { type Api, answers, body, createRoute, endpoint, problems } from '../../../entrances/http/endpoint.ts';
import { newId } from '../../../entrances/http/new-id.ts';
import { endingBody, endingQuery, endingReason } from './access.ts';

const ShownOverride = Override.extend({ freeze_id: z.string() }).meta({ id: 'FreezeOverride' });
const Given = ShownOverride.extend({
  /** Recommendations, such as to limit the override to a version. */
  warnings: z.array(z.string()),
}).meta({ id: 'NewFreezeOverride' });
const params = z.object({ id: z.string().min(1).max(128) });
const overrideParams = params.extend({ override: z.string().min(1).max(128) });

/** Registers the routes of freeze overrides. */
export function overrideRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'freezes:override',
    createRoute({
      method: 'post',
      path: '/v1/freezes/{id}/overrides',
      tags: ['freezes'],
      summary: 'Create an override that allows deployments during a freeze, limited in time and in number of uses',
      request: { params, ...body(NewOverride) },
      responses: {
        201: answers('Created, or requested if policy requires approval by a second person', Given),
        404: problems('Not found'),
        409: problems('The freeze has ended'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const request = {
        freeze: c.req.valid('param').id,
        id: newId('ovr', c.var.requestKey),
        override: c.req.valid('json'),
      };
      const override = await giveOverride(deps, c.var.caller, request);
      return c.json({ ...override, warnings: overrideWarnings(override) }, 201);
    },
  );

  endpoint(
    app,
    deps,
    'freezes:override',
    createRoute({
      method: 'post',
      path: '/v1/freezes/{id}/overrides/{override}/approve',
      tags: ['freezes'],
      summary: 'Approve an override that another person requested',
      request: { params: overrideParams },
      responses: {
        200: answers('Approved', ShownOverride),
        403: problems('You requested this override yourself'),
        404: problems('Not found'),
        409: problems('The override does not wait for approval'),
      },
    }),
    async (c) => {
      const { id: freeze, override: id } = c.req.valid('param');
      return c.json(await approveOverride(deps, c.var.caller, { freeze, id }), 200);
    },
  );

  endpoint(
    app,
    deps,
    'freezes:override',
    createRoute({
      method: 'delete',
      path: '/v1/freezes/{id}/overrides/{override}',
      tags: ['freezes'],
      summary: 'Withdraw an override; deployments that have already used it stay allowed',
      request: { params: overrideParams, query: endingQuery },
      ...endingBody,
      responses: { 200: answers('Withdrawn', ShownOverride), 404: problems('Not found') },
    }),
    async (c) => {
      const { id: freeze, override: id } = c.req.valid('param');
      const reason = await endingReason(c, c.req.valid('query'));
      return c.json(await withdrawOverride(deps, c.var.caller, { freeze, id, reason }), 200);
    },
  );
}
