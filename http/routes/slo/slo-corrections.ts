import { randomUUID } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import { configuredSlo, recordCorrection, withdrawCorrection } from '../../../actions/slo/corrections.ts';
import type { Deps } from '../../../domain/ports/deps.ts';
import { NewCorrection, SloCorrection } from '../../../schemas/slo/slo-correction.ts';
import { answers, type Api, body, endpoint, listQuery, pageOf, problems } from '../../endpoint.ts';

const Correction = SloCorrection.meta({ id: 'SloCorrection' });

const id = z.string().min(1).max(253);

/** Registers the routes of corrections: periods that do not count for an objective. */
export function sloCorrectionRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'slos:write',
    createRoute({
      method: 'post',
      path: '/v1/slos/{id}/corrections',
      tags: ['slos'],
      summary: 'Record a period that does not count for an objective, once or recurring',
      request: { params: z.object({ id }), ...body(NewCorrection) },
      responses: {
        201: answers('Recorded', Correction),
        404: problems('Not found'),
        409: problems('Too many corrections are in effect'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const recorded = await recordCorrection(deps, c.var.caller, {
        id: `cor_${randomUUID().replaceAll('-', '').slice(0, 26)}`,
        slo: c.req.valid('param').id,
        correction: c.req.valid('json'),
      });
      return c.json(recorded, 201);
    },
  );

  endpoint(
    app,
    deps,
    'slos:read',
    createRoute({
      method: 'get',
      path: '/v1/slos/{id}/corrections',
      tags: ['slos'],
      summary: 'List the corrections of an objective, newest first, including withdrawn ones',
      request: { params: z.object({ id }), query: z.object(listQuery) },
      responses: { 200: answers('A page of results', pageOf(Correction)), 404: problems('Not found') },
    }),
    async (c) => {
      const slo = await configuredSlo(deps, c.req.valid('param').id);
      c.var.allow(slo);
      const { limit, cursor } = c.req.valid('query');
      return c.json(await deps.sloCorrections.list(slo.id, { limit, ...(cursor && { cursor }) }), 200);
    },
  );

  endpoint(
    app,
    deps,
    'slos:write',
    createRoute({
      method: 'delete',
      path: '/v1/slos/{id}/corrections/{correction_id}',
      tags: ['slos'],
      summary: 'Withdraw a correction: its period counts again; the correction stays on record',
      request: { params: z.object({ id, correction_id: z.string().min(1).max(64) }) },
      responses: { 200: answers('Withdrawn', Correction), 404: problems('Not found') },
    }),
    async (c) => {
      const { id: slo, correction_id } = c.req.valid('param');
      return c.json(await withdrawCorrection(deps, c.var.caller, { id: correction_id, slo }), 200);
    },
  );
}
