import { createRoute, z } from '@hono/zod-openapi';
import { pipelineReport } from '../../../domain/delivery/pipeline-report.ts';
import type { Deps } from '../../../domain/ports/deps.ts';
import { ServiceName } from '../../../schemas/config/names.ts';
import { PipelineReport } from '../../../schemas/delivery/pipeline-figures.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { answers, type Api, endpoint } from '../../endpoint.ts';
import { Window } from '../dora.ts';

const Report = PipelineReport.meta({ id: 'PipelineReport' });

const DEFAULT_SECONDS = 14 * 24 * 3600;

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
          window: Window.default(DEFAULT_SECONDS),
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
      const until = deps.clock.now();
      const from = plusSeconds(until, -seconds);
      const [records, flaky] = await Promise.all([
        deps.pipelineRuns.since(service, from),
        deps.pipelineTests.flaky(service, from),
      ]);
      return c.json(pipelineReport({ ...records, flaky }, { service, window: { from, until }, branch }), 200);
    },
  );
}
