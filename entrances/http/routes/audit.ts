import * as z from 'zod';
import { EVERYWHERE } from '../../../core/domain/access/access.ts';
import type { ApiDeps } from '../deps.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { namer } from '../../../core/actions/people/names.ts';
import { type Api, answers, createRoute, endpoint, listQuery, pageOf } from '../endpoint.ts';

const Entry = z
  .object({
    id: z.string(),
    at: Timestamp,
    actor: z.string(),
    actor_name: z.string().meta({ description: "The actor's display name, if it is known" }),
    kind: z.string(),
    subject: z.string(),
    text: z.string(),
    text_named: z
      .string()
      .meta({ description: 'The text with Slack IDs replaced by display names, if they are known' }),
    detail: z.record(z.string(), z.unknown()),
    /** Whether the entry is part of the chain. Entries of the last few minutes are not yet sealed. */
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
    because: z.string().nullable().meta({ description: 'What the check found at broken_at, and what it means' }),
  })
  .meta({ id: 'AuditChain' });

/** The maximum number of seals per day: one for each minute that has entries. */
const SEALS_OF_A_DAY = 24 * 60;

/** Registers the route of the audit log. */
export function auditRoutes(app: Api, deps: Pick<ApiDeps, 'audit' | 'clock' | 'config' | 'userCache'>): void {
  endpoint(
    app,
    deps,
    'audit:read',
    createRoute({
      method: 'get',
      path: '/v1/audit',
      tags: ['audit'],
      summary: 'List the sealed audit log of decisions, changes, and actions, newest first, and check its integrity',
      request: {
        query: z.object({
          ...listQuery,
          check: z.enum(['recent', 'all']).default('recent').meta({
            description: 'recent: check the last day of the chain. all: check the whole chain, which can take long',
          }),
        }),
      },
      responses: {
        200: answers('A page of entries, and the result of the check', pageOf(Entry).extend({ chain: Chain })),
      },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE);
      const { limit, cursor, check } = c.req.valid('query');
      const [page, chain, names] = await Promise.all([
        deps.audit.list({ limit, ...(cursor !== undefined && { cursor }) }),
        deps.audit.check(check === 'all' ? {} : { last: SEALS_OF_A_DAY }),
        namer(deps),
      ]);
      const items = await Promise.all(
        page.items.map(async (entry) => ({
          ...entry,
          actor_name: await names.actor(entry.actor),
          text_named: await names.text(entry.text),
        })),
      );
      const { intact, entries, sealedUntil, brokenAt, because } = chain;
      return c.json(
        { ...page, items, chain: { intact, entries, sealed_until: sealedUntil, broken_at: brokenAt, because } },
        200,
      );
    },
  );
}
