import * as z from 'zod';
import type { Context } from 'hono';
import { correctAttribution, withdrawAttribution } from './actions/correct-attribution.ts';
import { FIGURES, RECORDS, RECORDS_CSV, type ReportInput } from './reports.ts';
import { Refusal } from '../../core/domain/refusal.ts';
import { figuresCsv } from './decisions/csv.ts';
import { teamNamed } from '../../core/domain/catalogue/known-names.ts';
import type { FeatureDeps } from '../manifest.ts';
import { ChangeId } from '../../schemas/config/names.ts';
import { AttributionCorrection } from './deploy-record.ts';
import { DoraDeploy, DoraFigure, DoraFigures, DoraIncident } from './dora.ts';
import { Timestamp } from '../../schemas/time/time.ts';
import { withPorts } from './ports.ts';
import type { Env } from '../../entrances/http/context.ts';
import {
  type Api,
  UNIT_SECONDS,
  Window,
  answers,
  body,
  createRoute,
  endpoint,
  listQuery,
  problems,
  readerOf,
  scopeOf,
  scopeQuery,
} from '../../entrances/http/endpoint.ts';
import { incidentParams } from '../../entrances/http/incident-param.ts';
import { requiredText } from '../../schemas/parsing/free-text.ts';

type RoutesDeps = Pick<FeatureDeps, 'changes' | 'clock' | 'config' | 'features' | 'incidents' | 'reports'>;

const reportQuery = {
  service: scopeQuery.service,
  environment: scopeQuery.environment.meta({
    description: 'Default: the production environments, `environments` in delivery.yaml',
  }),
  team: z.string().min(1).max(256).optional(),
  tier: z.coerce.number().int().min(1).max(4).optional(),
  window: Window.default(14 * UNIT_SECONDS.d),
  format: z.enum(['json', 'csv']).optional().meta({ description: 'Default: the format in the header Accept, or json' }),
};

const section = <T extends z.ZodType>(item: T) => z.object({ total: z.number(), items: z.array(item) });

const Dora = DoraFigures.extend({
  /** When the figures were computed. */
  as_of: Timestamp,
  window: z.object({ from: Timestamp, until: Timestamp }),
  environments: z.array(z.string()),
  /** The newest records. `url`: all of them, by figure. */
  records: z.object({ deployments: section(DoraDeploy), incidents: section(DoraIncident), url: z.string() }),
  /** False: there are more incidents than one report reads. */
  complete: z.boolean(),
}).meta({ id: 'DoraMetrics' });

const Records = z
  .object({
    figure: DoraFigure,
    as_of: Timestamp,
    deployments: z.array(DoraDeploy),
    incidents: z.array(DoraIncident),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'DoraRecords' });

const csvContent = { 'text/csv': { schema: z.string() } };

const Attribution = z.strictObject({
  deployment_id: ChangeId.nullable().meta({ description: 'Null: no deployment caused the incident' }),
  reason: requiredText(2000),
});

/** Registers the delivery figures, their records, and the correction of causes. */
export function doraRoutes(app: Api, core: RoutesDeps): void {
  const deps = withPorts(core);
  /** Returns what a report covers. @throws Refusal 403 */
  const inputOf = async (
    c: Context<Env>,
    { team, tier, window: seconds, ...query }: z.infer<z.ZodObject<typeof reportQuery>>,
  ): Promise<ReportInput> => {
    const config = await deps.config.current();
    const scope = {
      ...(await scopeOf(deps, c, query)),
      ...(team && { team: teamNamed(config, team) }),
      ...(tier && { tier }),
    };
    return { seconds, scope };
  };

  endpoint(
    app,
    deps,
    'deployments:read',
    createRoute({
      method: 'get',
      path: '/v1/metrics/dora',
      tags: ['delivery'],
      summary: 'Get delivery figures (DORA) with their bands and newest records',
      request: { query: z.object(reportQuery) },
      responses: {
        200: {
          description: 'The figures; as CSV, without records',
          content: { 'application/json': { schema: Dora }, ...csvContent },
        },
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const { as_of, value } = await deps.reports.read(FIGURES, await inputOf(c, query), readerOf(c));
      const { figures, window, environments, complete, deployments, incidents } = value;
      if (wantsCsv(c, query.format)) return csvResponse(c, figuresCsv(figures), 'dora.csv');
      const url = `/v1/metrics/dora/records${new URL(c.req.url).search}`;
      return c.json(
        { ...figures, as_of, window, environments, records: { deployments, incidents, url }, complete },
        200,
      );
    },
  );

  endpoint(
    app,
    deps,
    'deployments:read',
    createRoute({
      method: 'get',
      path: '/v1/metrics/dora/records',
      tags: ['delivery'],
      summary: 'List the records behind a delivery figure, newest first',
      request: {
        query: z.object({ ...reportQuery, ...listQuery, figure: DoraFigure.default('deployment_frequency') }),
      },
      responses: {
        200: {
          description: 'A page of records; as CSV, all of them',
          content: { 'application/json': { schema: Records }, ...csvContent },
        },
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const { figure, limit, cursor, ...query } = c.req.valid('query');
      const input = { ...(await inputOf(c, query)), figure };
      if (wantsCsv(c, query.format))
        return csvResponse(c, (await deps.reports.read(RECORDS_CSV, input, readerOf(c))).value, `dora-${figure}.csv`);
      const before = cursor === undefined ? null : decodedPosition(cursor);
      const { as_of, value } = await deps.reports.read(RECORDS, { ...input, limit, before }, readerOf(c));
      const { records, next } = value;
      return c.json(
        {
          figure,
          as_of,
          deployments: records.kind === 'deploys' ? [...records.items] : [],
          incidents: records.kind === 'incidents' ? [...records.items] : [],
          next_cursor: next === null ? null : Buffer.from(next).toString('base64url'),
        },
        200,
      );
    },
  );

  endpoint(
    app,
    deps,
    'incidents:act',
    createRoute({
      method: 'post',
      path: '/v1/incidents/{id}/actions/attribute',
      tags: ['actions'],
      summary: 'Name the deployment that caused an incident, or none, for the delivery figures',
      request: { params: incidentParams(deps), ...body(Attribution) },
      responses: {
        200: answers('The recorded correction', AttributionCorrection.meta({ id: 'AttributionCorrection' })),
        404: problems('Not found'),
        409: problems('not-a-deployment: the change is of another kind'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const { deployment_id: deployment, reason } = c.req.valid('json');
      const { id } = c.req.valid('param');
      return c.json(await correctAttribution(deps, c.var.caller, { id, deployment, reason }), 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:act',
    createRoute({
      method: 'post',
      path: '/v1/incidents/{id}/actions/withdraw-attribution',
      tags: ['actions'],
      summary: 'Withdraw a correction, so that the confirmed suspect of Firebreak counts again',
      request: { params: incidentParams(deps) },
      responses: { 204: { description: 'Withdrawn' }, 404: problems('Not found, or not corrected') },
    }),
    async (c) => {
      await withdrawAttribution(deps, c.var.caller, c.req.valid('param'));
      return c.body(null, 204);
    },
  );
}

const wantsCsv = (c: Context<Env>, format: 'json' | 'csv' | undefined): boolean =>
  format === undefined ? /\btext\/csv\b/i.test(c.req.header('accept') ?? '') : format === 'csv';

const csvResponse = (c: Context<Env>, text: string, name: string) =>
  c.body(text, 200, {
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="${name}"`,
  });

const POSITION = /^\d{4}-\d\d-\d\dT[\d:.]+Z#\w+$/;

function decodedPosition(cursor: string): string {
  const position = Buffer.from(cursor, 'base64url').toString();
  if (POSITION.test(position)) return position;
  throw new Refusal(400, 'bad-cursor', 'unknown cursor; omit it to start at the newest record');
}
