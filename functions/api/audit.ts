import { createRoute, z } from '@hono/zod-openapi';
import { EVERYWHERE } from '../../domain/access.ts';
import type { Deps } from '../../domain/ports.ts';
import { Timestamp } from '../../schemas/time.ts';
import { answers, type Api, endpoint, listQuery, pageOf } from './endpoint.ts';

const Entry = z
  .object({
    id: z.string(),
    at: Timestamp,
    actor: z.string(),
    kind: z.string(),
    subject: z.string(),
    text: z.string(),
    detail: z.record(z.string(), z.unknown()),
    /** Part of the chain; what was written in the last two minutes is not yet. */
    sealed: z.boolean(),
    hash: z.string().nullable(),
  })
  .meta({ id: 'AuditEntry' });

const Chain = z
  .object({
    intact: z.boolean(),
    entries: z.number(),
    sealed_until: Timestamp.nullable(),
    broken_at: z.string().nullable(),
  })
  .meta({ id: 'AuditChain' });

/** One for each minute in which something was written. */
const SEALS_OF_A_DAY = 24 * 60;

/** The sealed log. */
export function auditRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'audit:read',
    createRoute({
      method: 'get',
      path: '/v1/audit',
      tags: ['audit'],
      summary: 'Decisions, freezes and overrides, newest first, and whether the log is as it was written',
      request: {
        query: z.object({
          ...listQuery,
          check: z
            .enum(['recent', 'all'])
            .default('recent')
            .openapi({ description: 'recent: the last day of the chain; all of it takes as long as it is' }),
        }),
      },
      responses: { 200: answers('A page, and the check of the chain', pageOf(Entry).extend({ chain: Chain })) },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE);
      const { limit, cursor, check } = c.req.valid('query');
      const [page, chain] = await Promise.all([
        deps.audit.list({ limit, ...(cursor !== undefined && { cursor }) }),
        deps.audit.check(check === 'all' ? {} : { last: SEALS_OF_A_DAY }),
      ]);
      const { intact, entries, sealedUntil, brokenAt } = chain;
      return c.json({ ...page, chain: { intact, entries, sealed_until: sealedUntil, broken_at: brokenAt } }, 200);
    },
  );
}
