import { createRoute, z } from '@hono/zod-openapi';
import { readTeamDigest } from '../../actions/reports/team-digest.ts';
import { authorize } from '../../domain/access/access.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { digestMarkdown } from '../../domain/reports/digest-text.ts';
import { TeamDigest } from '../../schemas/reports/team-digest.ts';
import { type Api, endpoint, problems } from '../endpoint.ts';

/** Registers the route of the weekly digest. */
export function teamDigestRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/reports/digest',
      tags: ['delivery'],
      summary: 'Get the digest of the last seven days for a team or all services',
      request: {
        query: z.object({
          team: z.string().min(1).max(256).optional().openapi({ description: 'Default: all services' }),
          format: z
            .enum(['json', 'markdown'])
            .optional()
            .openapi({ description: 'Default: the format in the header Accept, or json' }),
        }),
      },
      responses: {
        200: {
          description: 'The digest, with what the token may read',
          content: {
            'application/json': { schema: TeamDigest.meta({ id: 'TeamDigest' }) },
            'text/markdown': { schema: z.string() },
          },
        },
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const { team, format } = c.req.valid('query');
      const now = deps.clock.now();
      const digest = await readTeamDigest(deps, {
        ...(team !== undefined && { team }),
        isAllowed: (action, of) => authorize(c.var.principal, action, of, now).allowed,
      });
      const isMarkdown =
        format === undefined ? /\btext\/markdown\b/i.test(c.req.header('accept') ?? '') : format === 'markdown';
      return isMarkdown
        ? c.body(digestMarkdown(digest, deps.publicUrl), 200, { 'content-type': 'text/markdown; charset=utf-8' })
        : c.json(digest, 200);
    },
  );
}
