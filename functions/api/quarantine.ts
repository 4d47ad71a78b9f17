import { randomUUID } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import type { Deps } from '../../domain/ports.ts';
import { sources } from '../../schemas/sources/index.ts';
import { millisOf, Timestamp } from '../../schemas/time.ts';
import { enqueue, read } from './alerts.ts';
import { answers, type Api, endpoint, listQuery, pageOf, problems } from './endpoint.ts';
import { Refusal } from './problem.ts';

const Entry = z
  .object({
    id: z.string(),
    source: z.string(),
    status: z.number().openapi({ description: 'What the sender was answered; 422 for one bad alert of a good group' }),
    detail: z.string(),
    content_type: z.string(),
    bytes: z.number(),
    count: z.number().openapi({ description: 'How often the same bytes came' }),
    first_seen_at: Timestamp,
    last_seen_at: Timestamp,
    replayed_at: Timestamp.nullable(),
  })
  .meta({ id: 'Quarantined' });

const params = z.object({ id: z.string().max(64) });

/** Inputs that could not be read, kept whole. */
export function quarantineRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'quarantine:read',
    createRoute({
      method: 'get',
      path: '/v1/quarantine',
      tags: ['quarantine'],
      summary: 'What could not be read, newest first',
      request: { query: z.object(listQuery) },
      responses: { 200: answers('A page', pageOf(Entry)) },
    }),
    async (c) => {
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
      summary: 'One of them, its body included',
      request: { params },
      responses: {
        200: answers('The entry', Entry.extend({ body: z.string().openapi({ description: 'The bytes in base64' }) })),
        404: problems('Unknown'),
      },
    }),
    async (c) => {
      const { body, receiver: _receiver, ...entry } = await find(deps, c.req.valid('param').id);
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
      summary: 'Read it again with the code of today',
      request: { params },
      responses: {
        202: answers(
          'It could be read',
          z.object({ receipt: z.string(), accepted: z.number(), quarantined: z.number(), truncated: z.number() }),
        ),
        404: problems('Unknown'),
        422: problems('It still cannot be read'),
      },
    }),
    async (c) => {
      const entry = await find(deps, c.req.valid('param').id);
      const source = sources.get(entry.source);
      if (source === undefined) throw new Refusal(422, 'unknown-source', `nothing reads ${entry.source} any more`);
      // The sender's content type was its mistake; the bytes are what counts.
      const result = read(source, '', entry.body, millisOf(deps.clock.now()));
      if (!result.ok) throw new Refusal(422, result.fault.code, result.fault.detail);
      const { alerts, unreadable, truncated } = result.parsed;
      if (alerts.length === 0 && unreadable.length > 0)
        throw new Refusal(422, 'wrong-shape', unreadable[0]?.detail ?? 'no alert in it can be read');
      const receipt = { id: randomUUID(), at: deps.clock.now(), trace: c.var.trace };
      await enqueue(deps, receipt, alerts, entry.receiver === '/api/v1/rollback');
      await deps.quarantine.replayed(entry.id);
      return c.json({ receipt: receipt.id, accepted: alerts.length, quarantined: unreadable.length, truncated }, 202);
    },
  );
}

async function find(deps: Deps, id: string): Promise<NonNullable<Awaited<ReturnType<Deps['quarantine']['get']>>>> {
  const entry = await deps.quarantine.get(id);
  if (entry === undefined) throw new Refusal(404, 'unknown-quarantine', `nothing is kept as ${id}`);
  return entry;
}
