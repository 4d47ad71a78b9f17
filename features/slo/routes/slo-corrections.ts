import * as z from 'zod';
import {
  configuredSlo,
  endCorrection,
  previewCorrection,
  recordCorrection,
  withdrawCorrection,
} from '../actions/corrections.ts';
import type { Deps } from '../ports.ts';
import { CorrectionPreview } from '../schemas/correction-preview.ts';
import { CorrectionReason, NewCorrection, SloCorrection } from '../schemas/slo-correction.ts';
import { newId } from '../../../entrances/http/new-id.ts';
import {
  type Api,
  answers,
  body,
  createRoute,
  endpoint,
  listQuery,
  pageOf,
  problems,
} from '../../../entrances/http/endpoint.ts';

const Correction = SloCorrection.meta({ id: 'SloCorrection' });

const Preview = CorrectionPreview.meta({ id: 'SloCorrectionPreview' });

const id = z.string().min(1).max(253);
const correctionParams = z.object({ id, correction_id: z.string().min(1).max(64) });

/** Registers the routes of corrections: periods that do not count for an objective. */
export function sloCorrectionRoutes(
  app: Api,
  deps: Pick<Deps, 'clock' | 'config' | 'reports' | 'sloCorrections' | 'sloDays'>,
): void {
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
        id: newId('cor', c.var.requestKey),
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
      request: { params: correctionParams, query: z.object({ reason: CorrectionReason.optional() }) },
      responses: { 200: answers('Withdrawn', Correction), 404: problems('Not found') },
    }),
    async (c) => {
      const { id: slo, correction_id } = c.req.valid('param');
      const { reason = null } = c.req.valid('query');
      return c.json(await withdrawCorrection(deps, c.var.caller, { id: correction_id, slo, reason }), 200);
    },
  );

  endpoint(
    app,
    deps,
    'slos:write',
    createRoute({
      method: 'post',
      path: '/v1/slos/{id}/corrections/{correction_id}/end',
      tags: ['slos'],
      summary: 'End a correction now: its periods until now stay left out, and later ones count',
      request: { params: correctionParams, ...body(z.strictObject({ reason: CorrectionReason.nullish() })) },
      responses: {
        200: answers('Ended', Correction),
        404: problems('Not found'),
        409: problems('It has not started, or is over'),
      },
    }),
    async (c) => {
      const { id: slo, correction_id } = c.req.valid('param');
      const { reason } = c.req.valid('json');
      return c.json(await endCorrection(deps, c.var.caller, { id: correction_id, slo, reason: reason ?? null }), 200);
    },
  );

  endpoint(
    app,
    deps,
    'slos:write',
    createRoute({
      method: 'post',
      path: '/v1/slos/{id}/corrections/preview',
      tags: ['slos'],
      summary: 'Compute what a correction would change; nothing is recorded',
      request: { params: z.object({ id }), ...body(NewCorrection) },
      responses: {
        200: answers('The values with and without it', Preview),
        404: problems('Not found'),
        422: problems('Validation failed'),
        503: problems('The stored counts cannot be read'),
      },
    }),
    async (c) => {
      const correction = c.req.valid('json');
      return c.json(await previewCorrection(deps, c.var.caller, { slo: c.req.valid('param').id, correction }), 200);
    },
  );
}
