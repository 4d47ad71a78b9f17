import type { FeatureDeps } from '../../manifest.ts';
import { type Api, Window, answers, createRoute, endpoint } from '../../../entrances/http/endpoint.ts';
import { inConfiguredSpelling } from '../../../core/domain/catalogue/known-names.ts';
import { withPorts, type Deps } from '../ports.ts';
import { codeFigureRoutes } from './code-figures.ts';
import { runRoutes } from './pipelines.ts';
import { testResultRoutes } from './test-results.ts';
import { traceRoutes } from './traces.ts';
import * as z from 'zod';
import { PIPELINE_WINDOW_SECONDS, pipelineFigures } from '../actions/pipeline-figures.ts';
import { ServiceName } from '../../../schemas/config/names.ts';
import { branchOfRef } from '../pipeline-run.ts';
import { PipelineReport } from '../report.ts';

/** Registers the routes of pipelines. */
export function pipelineRoutes(app: Api, core: FeatureDeps): void {
  const deps = withPorts(core);
  runRoutes(app, deps);
  testResultRoutes(app, deps);
  traceRoutes(app, deps);
  pipelineReportRoute(app, deps);
  codeFigureRoutes(app, deps);
}

const Report = PipelineReport.meta({ id: 'PipelineReport' });

/** Registers the figures of pipelines. */
function pipelineReportRoute(app: Api, deps: Deps): void {
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
          branch: z.string().min(1).max(512).transform(branchOfRef).optional().meta({
            description: 'Value of the label `branch` in metrics, such as main or other. Default: all branches',
          }),
        }),
      },
      responses: { 200: answers('The figures', Report) },
    }),
    async (c) => {
      const query = inConfiguredSpelling(await deps.config.current(), c.req.valid('query'));
      const { service, window: seconds, branch = null } = query;
      c.var.allow({ service });
      return c.json((await pipelineFigures(deps, { service, seconds, branch })).report, 200);
    },
  );
}
