import * as z from 'zod';
import { readQuarantined, replay } from '../../webhooks/replay.ts';
import { EVERYWHERE, type Scope } from '../../../../core/domain/access/access.ts';
import { mayRequestByLabel, senderOf } from '../../middleware/authentication.ts';
import type { ApiDeps } from '../../deps.ts';
import { Timestamp } from '../../../../schemas/time/time.ts';
import { type Api, answers, createRoute, endpoint, listQuery, pageOf, problems } from '../../endpoint.ts';

const Entry = z
  .object({
    id: z.string(),
    source: z.string(),
    status: z.number().nullable().meta({
      description:
        'The HTTP status of the response to the sender; 202 for a bad alert in an accepted group; `null` if Firebreak accepted the input before, or stopped before a response',
    }),
    detail: z.string(),
    content_type: z.string(),
    bytes: z.number(),
    count: z.number().meta({ description: 'How often the same bytes were received' }),
    first_seen_at: Timestamp,
    last_seen_at: Timestamp,
    replayed_at: Timestamp.nullable(),
  })
  .meta({ id: 'Quarantined' });

const params = z.object({ id: z.string().max(64) });

/** Registers the routes of the quarantine, which keeps inputs that could not be parsed. */
export function quarantineRoutes(app: Api, deps: ApiDeps): void {
  endpoint(
    app,
    deps,
    'quarantine:read',
    createRoute({
      method: 'get',
      path: '/v1/quarantine',
      tags: ['quarantine'],
      summary: 'List the inputs in quarantine, newest first',
      request: { query: z.object(listQuery) },
      responses: { 200: answers('A page of results', pageOf(Entry)) },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE); // an input that cannot be parsed can belong to any service
      const { limit, cursor } = c.req.valid('query');
      return c.json(await deps.quarantine.list({ limit, ...(cursor && { cursor }) }), 200);
    },
  );

  endpoint(
    app,
    deps,
    'quarantine:read',
    createRoute({
      method: 'get',
      path: '/v1/quarantine/{id}',
      tags: ['quarantine'],
      summary: 'Get an input in quarantine, including its body',
      request: { params },
      responses: {
        200: answers('The entry', Entry.extend({ body: z.string().meta({ description: 'The bytes in base64' }) })),
        404: problems('Not found'),
      },
    }),
    async (c) => {
      const {
        body,
        receiver: _receiver,
        sender: _sender,
        ...entry
      } = await readQuarantined(deps, c.var.caller, c.req.valid('param').id);
      return c.json({ ...entry, body: Buffer.from(body).toString('base64') }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'quarantine:replay',
    createRoute({
      method: 'post',
      path: '/v1/quarantine/{id}/replay',
      tags: ['quarantine'],
      summary: 'Process an input in quarantine again with the current code',
      request: { params },
      responses: {
        202: answers(
          'Processed',
          z.object({ receipt: z.string(), accepted: z.number(), quarantined: z.number(), truncated: z.number() }),
        ),
        404: problems('Not found'),
        422: problems('The input still cannot be parsed'),
      },
    }),
    async (c) => {
      const { principal, caller, trace } = c.var;
      const mayRequestRollback = (scope: Scope) => mayRequestByLabel(principal, scope, deps.clock.now());
      const sender = { name: senderOf(principal), mayRequestRollback };
      return c.json(await replay(deps, caller, { id: c.req.valid('param').id, trace, sender }), 202);
    },
  );
}
