import * as z from 'zod';
import type { ApiDeps } from '../../deps.ts';
import { Timestamp } from '../../../../schemas/time/time.ts';
import {
  type Api,
  answers,
  createRoute,
  endpoint,
  listQuery,
  pageOf,
  readable,
  scopeOf,
  scopeQuery,
} from '../../endpoint.ts';
import { shownSignal, ShownSignal } from './signal-view.ts';

const RecordedSignal = ShownSignal.extend({
  muted: z
    .object({
      by: z.enum(['maintenance', 'silence', 'experiment', 'inhibition']),
      name: z.string(),
      until: Timestamp.nullable(),
      reason: z.string(),
    })
    .nullable()
    .meta({ description: 'The maintenance window or silence that mutes the alert now' }),
}).meta({ id: 'RecordedSignal' });

/** Registers the route for alerts without an incident: alerts that routing only records or announces in a channel, and muted alerts. */
export function signalRoutes(app: Api, deps: Pick<ApiDeps, 'clock' | 'config' | 'incidents'>): void {
  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/signals',
      tags: ['incidents'],
      summary: 'List alerts without an incident, newest first',
      request: {
        query: z.object({
          ...listQuery,
          ...scopeQuery,
          muted: z
            .enum(['true', 'false'])
            .default('false')
            .meta({ description: 'true: list the alerts that a silence or a maintenance window mutes' }),
        }),
      },
      responses: { 200: answers('A page of results', pageOf(RecordedSignal)) },
    }),
    async (c) => {
      const { limit, cursor, muted, ...query } = c.req.valid('query');
      const scope = await scopeOf(deps, c, query);
      const config = await deps.config.current();
      const read = async (from?: string) => {
        const page = await deps.incidents.alertsWithoutIncident({
          limit,
          ...(from && { cursor: from }),
          ...scope,
          muted: muted === 'true',
        });
        return {
          ...page,
          items: page.items.map(({ signal, mute }) => ({ ...shownSignal(signal, config), muted: mute })),
        };
      };
      return c.json(await readable(c.var, read, cursor), 200);
    },
  );
}
