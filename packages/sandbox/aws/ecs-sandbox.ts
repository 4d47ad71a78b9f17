import { Hono } from 'hono';
import * as z from 'zod';
import { rolloutMillis } from './ecs.ts';
import { openServices, type Rollout, rolloutId } from './services.ts';
import { openTaskDefinitions } from './task-definitions.ts';
import { check, problem, readJson } from '../core/problem.ts';
import type { StandInDeps } from '../core/stand-in.ts';

/** A service that has run `images` in this order, each in a task definition of the service's name. */
const ServiceState = z.strictObject({
  cluster: z.string().min(1),
  service: z.string().min(1),
  images: z.array(z.string().min(1)).min(1),
  /** The tags of each task definition, in the order of `images`. */
  tags: z.array(z.record(z.string(), z.string())).default([]),
  desired: z.int().min(0).default(2),
  controller: z.enum(['ECS', 'CODE_DEPLOY', 'EXTERNAL']).default('ECS'),
  strategy: z.enum(['ROLLING', 'BLUE_GREEN']).default('ROLLING'),
  scheduling: z.enum(['REPLICA', 'DAEMON']).default('REPLICA'),
  breaker: z.enum(['off', 'on', 'rollback']).default('on'),
});

const ServiceDeploy = z.strictObject({ image: z.string().min(1), tags: z.record(z.string(), z.string()).default({}) });

/** Returns the endpoints for actions of people and pipelines in ECS. */
export function ecsSandbox(deps: StandInDeps): Hono {
  const services = openServices(deps.db);
  const definitions = openTaskDefinitions(deps.db);
  const register = (family: string, image: string, tags: Record<string, string> = {}) =>
    definitions.register(
      {
        family,
        containerDefinitions: [{ name: 'app', image, essential: true }],
        tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
      },
      deps.now(),
    );
  const requireService = (cluster: string, name: string) => {
    services.settle(deps.now(), rolloutMillis(deps));
    const service = services.find(cluster, name);
    if (!service) throw problem(422, `there is no service ${name} in ${cluster}`);
    return service;
  };
  return new Hono()
    .get('/services', (c) => c.json({ items: shownServices(deps), next_cursor: null }))
    .put('/services', async (c) => {
      const { service: name, images, tags, desired, ...kind } = check(ServiceState, await readJson(c));
      const service = { ...kind, name, desired, running: desired, counted_at: 0 };
      services.put(service);
      for (const [i, image] of images.entries()) {
        services.begin(service, register(name, image, tags[i]), { now: deps.now(), rolloutMs: 0 });
        services.settle(deps.now(), 0);
      }
      return c.json({ items: shownServices(deps), next_cursor: null });
    })
    .post('/services/:cluster/:service/deploy', async (c) => {
      const service = requireService(c.req.param('cluster'), c.req.param('service'));
      const { image, tags } = check(ServiceDeploy, await readJson(c));
      const rollout = services.begin(service, register(service.name, image, tags), {
        now: deps.now(),
        rolloutMs: rolloutMillis(deps),
      });
      return c.json({ id: rolloutId(rollout) });
    })
    .post('/services/:cluster/:service/fail', (c) => {
      services.fail(requireService(c.req.param('cluster'), c.req.param('service')));
      return c.json({ items: shownServices(deps), next_cursor: null });
    });
}

/**
 * Returns services with their running tasks. Reading does not change the stored state, so rollouts that are due are
 * shown as completed.
 */
export const shownServices = ({ db, now }: StandInDeps) => {
  const services = openServices(db);
  const definitions = openTaskDefinitions(db);
  return services.all().map((service) => ({
    cluster: service.cluster,
    service: service.name,
    desired: service.desired,
    deployments: services.rollouts(service).map((rollout) => ({
      id: rolloutId(rollout),
      image: definitions.find(`${rollout.family}:${rollout.revision}`).containers[0]?.image ?? '',
      state: rollout.ends_at === null || rollout.ends_at > now() ? rollout.state : endState(rollout),
    })),
  }));
};

const endState = ({ failing }: Rollout): Rollout['state'] => (failing === 0 ? 'COMPLETED' : 'FAILED');
