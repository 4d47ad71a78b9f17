import { createRoute, z } from '@hono/zod-openapi';
import { EVERYWHERE } from '../../domain/access.ts';
import type { Deps } from '../../domain/ports.ts';
import { connections, targets } from '../connections.ts';
import { answers, type Api, endpoint } from './endpoint.ts';

const Connections = z.object({
  vendors: z.array(
    z.object({
      name: z.string(),
      state: z.enum(['connected', 'set', 'off', 'wrong', 'unreachable']),
      detail: z.string(),
    }),
  ),
  targets: z.array(
    z.object({
      service: z.string(),
      environment: z.string(),
      deployer: z.string().nullable(),
      mode: z.string(),
      drills: z.boolean(),
      problem: z.string().nullable(),
    }),
  ),
});

/** What Firebreak is connected with. Vendors are asked something that changes nothing. */
export function connectionRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'health:read',
    createRoute({
      method: 'get',
      path: '/v1/connections',
      tags: ['health'],
      summary: 'Vendors and targets: which are connected, off, or wrong',
      responses: { 200: answers('As it is now', Connections) },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE);
      const [vendors, places] = await Promise.all([connections(deps), targets(deps)]);
      return c.json({ vendors, targets: places }, 200);
    },
  );
}
