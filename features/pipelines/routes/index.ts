import type { Deps } from '../../../domain/ports/deps.ts';
import type { Api } from '../../../http/endpoint.ts';
import { withPorts } from '../ports.ts';
import { codeFigureRoutes } from './code-figures.ts';
import { pipelineReportRoute } from './pipeline-report.ts';
import { runRoutes } from './pipelines.ts';
import { testResultRoutes } from './test-results.ts';
import { traceRoutes } from './traces.ts';

/** Registers the routes of pipelines. */
export function pipelineRoutes(app: Api, core: Deps): void {
  const deps = withPorts(core);
  runRoutes(app, deps);
  testResultRoutes(app, deps);
  traceRoutes(app, deps);
  pipelineReportRoute(app, deps);
  codeFigureRoutes(app, deps);
}
