import * as z from 'zod';
import type { Context } from 'hono';
import { correctAttribution, withdrawAttribution } from './actions/correct-attribution.ts';
import { recordsOf } from './decisions/figure-records.ts';
import { type DeliveryReport, deliveryReport } from './actions/report.ts';
import { Refusal } from '../../core/domain/refusal.ts';
import { deploysCsv, figuresCsv, incidentsCsv } from './decisions/csv.ts';
import { authorize } from '../../core/domain/access/access.ts';
import type { FeatureDeps } from '../manifest.ts';
import { ChangeId, EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
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
} from '../../entrances/http/endpoint.ts';
import { incidentParams } from '../../entrances/http/incident-param.ts';

type RoutesDeps = Pick<FeatureDeps, 'changes' | 'clock' | 'code' | 'config' | 'features' | 'incidents'>;

const scopeQuery = {
  service: ServiceName.optional(),
  environment: EnvironmentName.optional().meta({
    description: 'Default: the production environments, `environments` in delivery.yaml',
  }),
  team: z.string().min(1).max(256).optional(),
  tier: z.coerce.number().int().min(1).max(4).optional(),
  window: Window.default(14 * UNIT_SECONDS.d),
  format: z.enum(['json', 'csv']).optional().meta({ description: 'Default: the format in the header Accept, or json' }),
};

/** Records of each kind that the answer with the figures contains. All of them are in `/v1/metrics/dora/records`. */
const SHOWN_MAX = 50;

const section = <T extends z.ZodType>(item: T) => z.object({ total: z.number(), items: z.array(item) });

const Dora = DoraFigures.extend({
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
    deployments: z.array(DoraDeploy),
    incidents: z.array(DoraIncident),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'DoraRecords' });

const csvContent = { 'text/csv': { schema: z.string() } };

const Attribution = z.strictObject({
  deployment_id: ChangeId.nullable().meta({ description: 'Null: no deployment caused the incident' }),
  reason: z.string().trim().min(1).max(2000),
});

/** Registers the delivery figures, their records, and the correction of causes. */
export function doraRoutes(app: Api, core: RoutesDeps): void {
  const deps = withPorts(core);
  const reportFor = async (
    c: Context<Env>,
    { service, environment, team, tier, window: seconds }: z.infer<z.ZodObject<typeof scopeQuery>>,
  ): Promise<DeliveryReport> => {
    const of = {
      ...(service && { service }),
      ...(environment && { environment }),
      ...(team && { team }),
      ...(tier && { tier }),
    };
    c.var.allow({ ...(service && { service }), ...(environment && { environment }) });
    const report = await deliveryReport(deps, {
      seconds,
      scope: of,
      isVisible: (serviceEnvironment) => c.var.may(serviceEnvironment),
    });
    const now = deps.clock.now();
    const mayRead = (incident: DoraIncident): boolean =>
      authorize(
        c.var.principal,
        'incidents:read',
        { service: incident.service, environment: incident.environment },
        now,
      ).allowed;
    return { ...report, incidents: report.incidents.filter(mayRead) };
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
      request: { query: z.object(scopeQuery) },
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
      const { figures, deploys, incidents, from, until, environments, complete } = await reportFor(c, query);
      if (wantsCsv(c, query.format)) return csvResponse(c, figuresCsv(figures), 'dora.csv');
      const search = new URL(c.req.url).search;
      return c.json(
        {
          ...figures,
          window: { from, until },
          environments: [...environments],
          records: {
            deployments: { total: deploys.length, items: deploys.slice(0, SHOWN_MAX) },
            incidents: { total: incidents.length, items: incidents.slice(0, SHOWN_MAX) },
            url: `/v1/metrics/dora/records${search}`,
          },
          complete,
        },
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
        query: z.object({ ...scopeQuery, ...listQuery, figure: DoraFigure.default('deployment_frequency') }),
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
      const records = recordsOf(await reportFor(c, query), figure);
      if (wantsCsv(c, query.format))
        return csvResponse(
          c,
          records.kind === 'deploys' ? deploysCsv(records.items) : incidentsCsv(records.items),
          `dora-${figure}.csv`,
        );
      const [deployments, incidents] =
        records.kind === 'deploys'
          ? [paged(records.items, ({ started_at: at, id }) => `${at}#${id}`, limit, cursor), NO_RECORDS]
          : [NO_RECORDS, paged(records.items, ({ opened_at: at, id }) => `${at}#${id}`, limit, cursor)];
      return c.json(
        {
          figure,
          deployments: deployments.items,
          incidents: incidents.items,
          next_cursor: deployments.next_cursor ?? incidents.next_cursor,
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

const NO_RECORDS = { items: [], next_cursor: null };

const wantsCsv = (c: Context<Env>, format: 'json' | 'csv' | undefined): boolean =>
  format === undefined ? /\btext\/csv\b/i.test(c.req.header('accept') ?? '') : format === 'csv';

const csvResponse = (c: Context<Env>, text: string, name: string) =>
  c.body(text, 200, {
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="${name}"`,
  });

/** Returns one page, newest first. The cursor is a position, so that it stays valid when records are added. */
function paged<T>(
  items: readonly T[],
  positionOf: (item: T) => string,
  limit: number,
  cursor: string | undefined,
): { items: T[]; next_cursor: string | null } {
  const before = cursor === undefined ? undefined : decodedPosition(cursor);
  const rest = items.filter((item) => before === undefined || positionOf(item) < before);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page,
    next_cursor:
      last !== undefined && rest.length > page.length ? Buffer.from(positionOf(last)).toString('base64url') : null,
  };
}

const POSITION = /^\d{4}-\d\d-\d\dT[\d:.]+Z#\w+$/;

function decodedPosition(cursor: string): string {
  const position = Buffer.from(cursor, 'base64url').toString();
  if (POSITION.test(position)) return position;
  throw new Refusal(400, 'bad-cursor', 'unknown cursor; omit it to start at the newest record');
}
