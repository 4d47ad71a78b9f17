import { createRoute, z } from '@hono/zod-openapi';
import type { Deps } from '../../domain/ports.ts';
import { Timestamp } from '../../schemas/time.ts';
import { answers, type Api, endpoint, listQuery, pageOf, seen } from './endpoint.ts';
import { shown, ShownSignal } from './signal-view.ts';

const Apart = ShownSignal.extend({
  muted: z
    .object({
      by: z.enum(['maintenance', 'silence']),
      name: z.string(),
      until: Timestamp.nullable(),
      reason: z.string(),
    })
    .nullable()
    .openapi({ description: 'What keeps it quiet, while it does' }),
}).meta({ id: 'RecordedSignal' });

/** Alerts that have no incident: what the routes only record or tell, and what is kept quiet. */
export function signalRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/signals',
      tags: ['incidents'],
      summary: 'Alerts without an incident, newest first',
      request: {
        query: z.object({
          ...listQuery,
          muted: z
            .enum(['true', 'false'])
            .default('false')
            .openapi({ description: 'Those that are kept quiet by a silence or a maintenance window' }),
        }),
      },
      responses: { 200: answers('A page', pageOf(Apart)) },
    }),
    async (c) => {
      c.var.allow({});
      const { limit, cursor, muted } = c.req.valid('query');
      const read = async (from?: string) => {
        const page = await deps.incidents.apart({ limit, ...(from && { cursor: from }), muted: muted === 'true' });
        return { ...page, items: page.items.map(({ signal, mute }) => ({ ...shown(signal), muted: mute })) };
      };
      return c.json(await seen(c.var, read, cursor), 200);
    },
  );
}
