import * as z from 'zod';
import { importSubscribers } from './actions/subscriptions/import-subscribers.ts';
import { EVERYWHERE } from '../../core/domain/access/access.ts';
import type { FeatureDeps } from '../manifest.ts';
import { describeStatusPages } from './pages/description.ts';
import { withPorts } from './ports.ts';
import { ImportResult, SubscriberImport } from './schemas/subscriber-import.ts';
import { type Api, answers, body, createRoute, endpoint, problems } from '../../entrances/http/endpoint.ts';

/** Registers the import of subscribers, and describes the public pages, which another function answers. */
export function statusPageRoutes(app: Api, coreDeps: FeatureDeps): void {
  const deps = withPorts(coreDeps);
  describeStatusPages(app);
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
