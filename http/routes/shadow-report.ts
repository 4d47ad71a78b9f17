import { createRoute, z } from '@hono/zod-openapi';
import type { Deps } from '../../domain/ports/deps.ts';
import { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import { ShadowReport } from '../../schemas/automation/shadow-report.ts';
import { INCIDENTS_MAX, shadowReport } from '../../actions/reports/shadow-report.ts';
import { answers, type Api, endpoint, problems } from '../endpoint.ts';

const UNITS = { h: 3600, d: 86_400, w: 7 * 86_400 } as const;
const LONGEST_SECONDS = 90 * UNITS.d;

const Since = z
  .string()
  .regex(/^[1-9]\d{0,4}[hdw]$/, 'Give hours, days, or weeks, such as 12h, 30d, or 4w')
  .transform((text) => Number(text.slice(0, -1)) * UNITS[text.slice(-1) as keyof typeof UNITS])
  .refine((seconds) => seconds <= LONGEST_SECONDS, 'At most 90 days')
  .openapi({ type: 'string', description: 'How far to look back: 12h, 30d, 4w; at most 90 days', example: '30d' });

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
          since: Since.default(30 * UNITS.d),
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
        of: { ...(service && { service }), ...(environment && { environment }) },
        may: (serviceEnvironment) => c.var.may(serviceEnvironment),
      });
      return c.json(report, 200);
    },
  );
}
