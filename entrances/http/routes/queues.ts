import * as z from 'zod';
import { EVERYWHERE } from '../../../core/domain/access/access.ts';
import type { ApiDeps } from '../deps.ts';
import { QUEUES } from '../../../schemas/config/queues.ts';
import { type Api, answers, createRoute, endpoint } from '../endpoint.ts';

const Queue = z
  .object({
    queue: z.enum(QUEUES),
    waiting: z.number(),
    in_flight: z.number(),
    delayed: z.number(),
    dead: z.number().nullable().meta({
      description: 'Messages that failed sixteen times. null: the platform does not count them here',
    }),
    oldest_seconds: z.number().nullable().meta({
      description: 'Age of the oldest message that is not dead. null: the platform does not report it here',
    }),
  })
  .meta({ id: 'Queue' });

const DeadMessage = z
  .object({
    id: z.string(),
    group: z.string().nullable().meta({ description: 'Messages of one group are processed in order' }),
    body: z.string(),
  })
  .meta({ id: 'DeadMessage' });

const params = z.object({ queue: z.enum(QUEUES) });

/** Registers the routes of the queues between the parts of Firebreak, whose messages can fail too often. */
export function queueRoutes(app: Api, deps: Pick<ApiDeps, 'clock' | 'queues'>): void {
  const { queues } = deps;
  endpoint(
    app,
    deps,
    'quarantine:read',
    createRoute({
      method: 'get',
      path: '/v1/queues',
      tags: ['quarantine'],
      summary: 'List the queues with their numbers of messages',
      responses: { 200: answers('All queues', z.object({ items: z.array(Queue) })) },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE);
      const items = (await queues.read()).map(({ queue, visible, inFlight, delayed, dead, oldestSeconds }) => ({
        queue,
        waiting: visible,
        in_flight: inFlight,
        delayed,
        dead: dead ?? null,
        oldest_seconds: oldestSeconds ?? null,
      }));
      return c.json({ items }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'quarantine:read',
    createRoute({
      method: 'get',
      path: '/v1/queues/{queue}/dead',
      tags: ['quarantine'],
      summary: 'List messages that failed too often, the oldest first, at most ten',
      request: { params },
      responses: { 200: answers('Dead messages', z.object({ items: z.array(DeadMessage) })) },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE);
      const dead = await queues.dead(c.req.valid('param').queue);
      return c.json({ items: dead.map(({ group = null, ...message }) => ({ ...message, group })) }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'quarantine:replay',
    createRoute({
      method: 'post',
      path: '/v1/queues/{queue}/redrive',
      tags: ['quarantine'],
      summary: 'Process the messages again that failed too often',
      request: { params },
      responses: { 202: answers('They are delivered again', z.object({ redriven: z.number() })) },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE);
      const { queue } = c.req.valid('param');
      const redriven = await queues.redrive(queue);
      c.var.log.info('dead messages are delivered again', { queue, redriven });
      return c.json({ redriven }, 202);
    },
  );
}
