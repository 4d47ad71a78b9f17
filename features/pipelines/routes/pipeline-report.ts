import { createRoute, z } from '@hono/zod-openapi';
import { PIPELINE_WINDOW_SECONDS, pipelineFigures } from '../actions/pipeline-figures.ts';
import type { Deps } from '../ports.ts';
import { ServiceName } from '../../../schemas/config/names.ts';
import { PipelineReport } from '../report.ts';
import { answers, type Api, endpoint } from '../../../http/endpoint.ts';
import { Window } from '../../../http/routes/delivery/dora.ts';

const Report = PipelineReport.meta({ id: 'PipelineReport' });

/** Registers the figures of pipelines. */
export function pipelineReportRoute(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'pipelines:read',
    createRoute({
      method: 'get',
      path: '/v1/metrics/pipelines',
      tags: ['pipelines'],
      summary: "Get figures of a service's pipelines: success, durations, queue times, slowest stages, flaky tests",
      request: {
        query: z.object({
          service: ServiceName,
          window: Window.default(PIPELINE_WINDOW_SECONDS),
          branch: z.string().min(1).max(512).optional().openapi({
            description: 'Value of the label `branch` in metrics, such as main or other. Default: all branches',
          }),
        }),
      },
      responses: { 200: answers('The figures', Report) },
    }),
    async (c) => {
      const { service, window: seconds, branch = null } = c.req.valid('query');
      c.var.allow({ service });
      return c.json((await pipelineFigures(deps, { service, seconds, branch })).report, 200);
    },
  );
}
