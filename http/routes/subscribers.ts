import { createRoute, z } from '@hono/zod-openapi';
import { importSubscribers } from '../../actions/status/subscriptions/import-subscribers.ts';
import { EVERYWHERE } from '../../domain/access/access.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { ImportResult, SubscriberImport } from '../../schemas/status/subscriber-import.ts';
import { answers, type Api, body, endpoint, problems } from '../endpoint.ts';

/** Registers the import of subscribers of status pages. */
export function subscriberRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'subscribers:write',
    createRoute({
      method: 'post',
      path: '/v1/status-pages/{page}/subscribers/import',
      tags: ['status page'],
      summary: 'Import email subscribers that another status page has confirmed; idempotent',
      request: { params: z.object({ page: z.string().max(50) }), ...body(SubscriberImport) },
      responses: {
        200: answers('One outcome for each subscriber, in the order of the request', ImportResult),
        404: problems('There is no such page'),
        422: problems('Validation failed, or the page has no subscriptions by email'),
      },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE);
      const { page } = c.req.valid('param');
      const by = c.var.caller.name;
      return c.json(await importSubscribers(deps, { page, by, request: c.req.valid('json') }), 200);
    },
  );
}
