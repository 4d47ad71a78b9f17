import { createRoute, z } from '@hono/zod-openapi';
import type { Deps } from '../../domain/ports/deps.ts';
import { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import { ShadowReport } from '../../schemas/automation/shadow-report.ts';
import { INCIDENTS_MAX, shadowReport } from '../../actions/reports/shadow-report.ts';
import { DAY_SECONDS } from '../../schemas/time/since.ts';
import { answers, type Api, endpoint, problems, sinceQuery } from '../endpoint.ts';

/** Registers the route of the shadow report. */
export function shadowReportRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/reports/shadow',
      tags: ['automation'],
      summary: `Compare what automation would have done in shadow mode with what people did, for the newest ${INCIDENTS_MAX} incidents`,
      request: {
        query: z.object({
          since: sinceQuery.default(30 * DAY_SECONDS),
          service: ServiceName.optional(),
          environment: EnvironmentName.optional(),
        }),
      },
      responses: {
        200: answers('The report', ShadowReport.meta({ id: 'ShadowReport' })),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const { since: seconds, service, environment } = c.req.valid('query');
      c.var.allow({ ...(service && { service }), ...(environment && { environment }) });
      const report = await shadowReport(deps, {
        seconds,
        scope: { ...(service && { service }), ...(environment && { environment }) },
        isVisible: (serviceEnvironment) => c.var.may(serviceEnvironment),
      });
      return c.json(report, 200);
    },
  );
}
