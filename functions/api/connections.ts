import { createRoute, z } from '@hono/zod-openapi';
import { EVERYWHERE } from '../../domain/access.ts';
import type { Deps } from '../../domain/ports.ts';
import { Machine } from '../../schemas/machine.ts';
import { Timestamp } from '../../schemas/time.ts';
import { connections, isWatched, targets } from '../connections.ts';
import { unknownPlaces, unsetSecrets } from '../connections/names.ts';
import { objectivesState } from '../objectives.ts';
import { answers, type Api, endpoint } from './endpoint.ts';

const Connections = z.object({
  vendors: z.array(
    z.object({
      name: z.string(),
      state: z.enum(['connected', 'set', 'off', 'wrong', 'unreachable', 'incomplete']),
      detail: z.string(),
      mode: z.enum(['real', 'stand-in', 'off']).optional(),
      address: z.string().optional(),
      credentials: z.array(z.string()).optional(),
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
  unknown_places: z
    .array(z.object({ service: z.string(), environment: z.string(), problem: z.string() }))
    .openapi({ description: 'Where deployments are recorded that no configuration names' }),
  secrets: z
    .array(z.object({ runbook: z.string(), name: z.string() }))
    .openapi({ description: 'Secrets that a runbook names and that are not set' }),
  watched: z.boolean().nullable().openapi({
    description:
      'Whether Prometheus scrapes Firebreak as the job `firebreak`. Null: there is none, or it does not answer',
  }),
  machine: Machine.optional().openapi({ description: 'On one machine only: what it runs on' }),
  objectives: z.object({
    configured: z.number(),
    evaluated_at: Timestamp.nullable(),
    problem: z.string().nullable(),
    troubled: z.number(),
    troubles: z.array(
      z.object({
        id: z.string(),
        service: z.string(),
        environment: z.string(),
        problem: z.string(),
        since: Timestamp.nullable(),
      }),
    ),
  }),
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
      summary: 'Vendors and targets: which are connected, off, or wrong; and objectives without data',
      responses: { 200: answers('As it is now', Connections) },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE);
      const [vendors, places, objectives, unknown_places, secrets, watched] = await Promise.all([
        connections(deps),
        targets(deps),
        objectivesState(deps),
        unknownPlaces(deps),
        unsetSecrets(deps),
        isWatched(deps),
      ]);
      return c.json({ vendors, targets: places, unknown_places, secrets, watched, objectives }, 200);
    },
  );
}
