import { createRoute } from '@hono/zod-openapi';
import { EVERYWHERE } from '../../domain/access.ts';
import type { Deps } from '../../domain/ports.ts';
import { Automation, AutomationInput } from '../../schemas/access.ts';
import { answers, type Api, body, endpoint, problems } from './endpoint.ts';

const View = Automation.meta({ id: 'Automation' });

/** The kill switch and the modes. */
export function automationRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'automation:read',
    createRoute({
      method: 'get',
      path: '/v1/automation',
      tags: ['automation'],
      summary: 'Kill switch and modes',
      responses: { 200: answers('In force', View) },
    }),
    async (c) => c.json(await deps.automation.read(), 200),
  );

  endpoint(
    app,
    deps,
    'automation:write',
    createRoute({
      method: 'put',
      path: '/v1/automation',
      tags: ['automation'],
      summary: 'Set kill switch and modes; what is left out stays',
      request: body(AutomationInput),
      responses: { 200: answers('In force now', View), 422: problems('What is wrong with it') },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE);
      const { paused, reason, mode, services } = c.req.valid('json');
      const before = await deps.automation.read();
      const automation = await deps.automation.write(
        {
          paused: paused ?? before.paused,
          reason: reason === undefined ? before.reason : reason,
          mode: mode === undefined ? before.mode : mode,
          services: services ?? before.services,
        },
        c.var.principal.name,
      );
      c.var.log.warn('automation set', {
        by: c.var.principal.name,
        paused: automation.paused,
        mode: automation.mode,
        reason: automation.reason,
      });
      return c.json(automation, 200);
    },
  );
}
