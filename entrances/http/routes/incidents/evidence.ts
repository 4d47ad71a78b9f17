import * as z from 'zod';
import { listEvidence, readEvidence } from '../../../../core/actions/incidents/read-evidence.ts';
import type { ApiDeps } from '../../deps.ts';
import { EvidenceName, EvidencePack } from '../../../../schemas/incidents/evidence-pack.ts';
import { type Api, answers, createRoute, endpoint, problems } from '../../endpoint.ts';
import { incidentParams } from '../../incident-param.ts';

/**
 * The content type of evidence. Its type is `string`, so that the handler may return the stored bytes as a `Response`: to
 * encode the document again could change them.
 */
const DOCUMENT: string = 'application/json';

const Pack = EvidencePack.meta({ id: 'EvidencePack' });

/** Registers the routes for the evidence of actions. */
export function evidenceRoutes(app: Api, deps: Pick<ApiDeps, 'clock' | 'evidencePacks' | 'incidents'>): void {
  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}/evidence',
      tags: ['incidents'],
      summary: 'List the stored evidence of the actions of an incident',
      request: { params: incidentParams(deps) },
      responses: { 200: answers('All of it', z.object({ items: z.array(Pack) })), 404: problems('Not found') },
    }),
    async (c) => c.json({ items: await listEvidence(deps, c.var.caller, c.req.valid('param').id) }, 200),
  );

  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}/evidence/{name}',
      tags: ['incidents'],
      summary: 'Download the evidence of an action, exactly as it was stored',
      request: { params: incidentParams(deps).extend({ name: EvidenceName }) },
      responses: {
        200: {
          description: 'The document, with its SHA-256 in `repr-digest`',
          content: { [DOCUMENT]: { schema: z.record(z.string(), z.unknown()) } },
        },
        404: problems('Not found'),
        409: problems('The stored document was altered or removed'),
      },
    }),
    async (c) => {
      const { document, headers } = await readEvidence(deps, c.var.caller, c.req.valid('param'));
      return new Response(document, { headers });
    },
  );
}
