import { createRoute, z } from '@hono/zod-openapi';
import { randomUUID } from 'node:crypto';
import { overrideWarnings } from '../../domain/freeze/overrides.ts';
import type { Deps } from '../../domain/ports.ts';
import { NewOverride, Override } from '../../schemas/freeze.ts';
import { approveOverride, giveOverride, withdrawOverride } from '../acts/freeze-overrides.ts';
import { answers, type Api, body, endpoint, problems } from './endpoint.ts';
import { endingBody, endingQuery, endingReason } from './freeze-access.ts';

const ShownOverride = Override.extend({ freeze_id: z.string() }).meta({ id: 'FreezeOverride' });
const Given = ShownOverride.extend({
  /** What is recommended, such as to name a version. */
  warnings: z.array(z.string()),
}).meta({ id: 'NewFreezeOverride' });
const params = z.object({ id: z.string().min(1).max(128) });
const overrideParams = params.extend({ override: z.string().min(1).max(128) });

/** What is let through freezes, by whom, and why. */
export function overrideRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'freezes:override',
    createRoute({
      method: 'post',
      path: '/v1/freezes/{id}/overrides',
      tags: ['freezes'],
      summary: 'A permission to deploy during a freeze: with a reason, for a while, for so many deployments',
      request: { params, ...body(NewOverride) },
      responses: {
        201: answers('Given, or asked for where policy wants a second person', Given),
        404: problems('Unknown'),
        409: problems('The freeze is over'),
        422: problems('What is wrong with it'),
      },
    }),
    async (c) => {
      const given = {
        freeze: c.req.valid('param').id,
        id: `ovr_${randomUUID().replaceAll('-', '').slice(0, 26)}`,
        override: c.req.valid('json'),
      };
      const override = await giveOverride(deps, c.var.who, given);
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
      summary: 'The yes of a second person, who is not the one who asked',
      request: { params: overrideParams },
      responses: {
        200: answers('Approved', ShownOverride),
        403: problems('It is your own'),
        404: problems('Unknown'),
        409: problems('Nobody waits for a yes to it'),
      },
    }),
    async (c) => {
      const { id: freeze, override: id } = c.req.valid('param');
      return c.json(await approveOverride(deps, c.var.who, { freeze, id }), 200);
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
      summary: 'Take a permission back; deployments that have used it keep what they have',
      request: { params: overrideParams, query: endingQuery },
      ...endingBody,
      responses: { 200: answers('Withdrawn', ShownOverride), 404: problems('Unknown') },
    }),
    async (c) => {
      const { id: freeze, override: id } = c.req.valid('param');
      const reason = await endingReason(c, c.req.valid('query'));
      return c.json(await withdrawOverride(deps, c.var.who, { freeze, id, reason }), 200);
    },
  );
}
