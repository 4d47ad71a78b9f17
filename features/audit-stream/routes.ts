import * as z from 'zod';
import { EVERYWHERE } from '../../core/domain/access/access.ts';
import { type Api, answers, createRoute, endpoint } from '../../entrances/http/endpoint.ts';
import type { FeatureDeps } from '../manifest.ts';
import { Failure, streamState } from './ports.ts';

export const StreamState = z
  .object({
    receiver: z.string().nullable().meta({ description: 'Its host. Null: none is configured' }),
    used: z.boolean().meta({ description: 'Whether it has accepted a request' }),
    failure: Failure.nullable().meta({ description: 'Of the last attempt. Null: it succeeded, or there was none' }),
  })
  .meta({ id: 'AuditStream' });

/** Registers the route that tells whether the receiver of the audit log accepts it. */
export function auditStreamRoutes(app: Api, deps: FeatureDeps): void {
  endpoint(
    app,
    deps,
    'health:read',
    createRoute({
      method: 'get',
      path: '/v1/audit/stream',
      tags: ['audit'],
      summary: 'Get the receiver of the audit log, and why it did not accept the last request',
      responses: { 200: answers('The receiver', StreamState) },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE);
      return c.json(await streamState(deps), 200);
    },
  );
}
