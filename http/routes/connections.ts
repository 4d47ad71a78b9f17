import { createRoute, z } from '@hono/zod-openapi';
import { EVERYWHERE } from '../../domain/access/access.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { Machine } from '../../schemas/config/machine.ts';
import { EvidenceLevel } from '../../schemas/config/config.ts';
import { Timestamp } from '../../schemas/time/time.ts';
import { connections, isWatched, targets } from '../../actions/connections/check.ts';
import { provable } from '../../actions/connections/provable.ts';
import { unknownEnvironments, unsetSecrets } from '../../actions/connections/names.ts';
import { objectivesState } from '../../actions/slo/objectives.ts';
import { answers, type Api, endpoint } from '../endpoint.ts';

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
  evidence: z
    .array(
      z.object({
        service: z.string(),
        environment: z.string(),
        level: EvidenceLevel,
        proofs: z.array(z.enum(['version', 'canary'])),
        missing: z.string().nullable(),
        propose: z.array(z.string()),
      }),
    )
    .openapi({
      description:
        'What could prove a suspect, for each environment with a deployer; why not more; and lines of YAML for `health` that add the version',
    }),
  unknown_environments: z
    .array(z.object({ service: z.string(), environment: z.string(), problem: z.string() }))
    .openapi({ description: 'Services and environments that have recorded deployments, but no configuration' }),
  secrets: z
    .array(z.object({ runbook: z.string(), name: z.string() }))
    .openapi({ description: 'Secrets that a runbook refers to, but that are not set' }),
  watched: z.boolean().nullable().openapi({
    description:
      'Whether Prometheus scrapes Firebreak as the job `firebreak`. Null if Prometheus is not configured or not reachable',
  }),
  machine: Machine.optional().openapi({ description: 'The machine that Firebreak runs on; absent on AWS' }),
  objectives: z.object({
    configured: z.number(),
    evaluated_at: Timestamp.nullable(),
    problem: z.string().nullable(),
    failing: z.number(),
    errors: z.array(
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

/** Registers the route that checks all connections. Vendors receive read-only requests. */
export function connectionRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'health:read',
    createRoute({
      method: 'get',
      path: '/v1/connections',
      tags: ['health'],
      summary: 'Check vendors, rollback targets, secrets, and objectives',
      responses: { 200: answers('The result of the check', Connections) },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE);
      const [vendors, targetStates, evidence, objectives, unknown_environments, secrets, watched] = await Promise.all([
        connections(deps),
        targets(deps),
        provable(deps),
        objectivesState(deps),
        unknownEnvironments(deps),
        unsetSecrets(deps),
        isWatched(deps),
      ]);
      return c.json(
        { vendors, targets: targetStates, evidence, unknown_environments, secrets, watched, objectives },
        200,
      );
    },
  );
}
