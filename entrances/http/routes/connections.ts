import { CONNECTIONS } from '../../../core/actions/reports/report-kinds.ts';
import { storeCheck } from '../../../vendors/connections/stored-check.ts';
import { EVERYWHERE } from '../../../core/domain/access/access.ts';
import type { ApiDeps } from '../deps.ts';
import { Connections } from '../../../schemas/config/connections.ts';
import { Machine } from '../../../schemas/config/machine.ts';
import { type Api, answers, createRoute, endpoint } from '../endpoint.ts';

const Answer = Connections.extend({
  machine: Machine.optional().meta({ description: 'The machine that Firebreak runs on; absent on AWS' }),
});

/** Registers the route that checks all connections. Vendors receive read-only requests. */
export function connectionRoutes(app: Api, deps: ApiDeps): void {
  endpoint(
    app,
    deps,
    'health:read',
    createRoute({
      method: 'get',
      path: '/v1/connections',
      tags: ['health'],
      summary: 'Check vendors, rollback targets, secrets, and objectives',
      responses: { 200: answers('The result of the check, which the console shows until the next one', Answer) },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE);
      const { as_of: at, value: connections } = await deps.reports.read(CONNECTIONS, null, null);
      await storeCheck(deps, { at, by: c.var.caller.name, connections });
      return c.json(connections, 200);
    },
  );
}
