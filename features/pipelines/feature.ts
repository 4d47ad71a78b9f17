import type { Feature } from '../manifest.ts';
import { names } from './names.ts';
import { pipelinePorts, withPorts } from './ports.ts';

/** Pipelines: their runs, stages, and tests, and figures of the code that they build. */
export const pipelines: Feature = {
  name: names.feature,
  // Senders report runs without any configuration; the inbox shows those that belong to no service.
  isConfigured: () => true,
  ports: pipelinePorts,
  extensions: {
    forgeEvents: async (deps) => (await import('./actions/forge-events.ts')).forgeEvents(withPorts(deps)),
    spans: async (deps) => (await import('./actions/run-spans.ts')).runSpans(withPorts(deps)),
  },
  routes: async () => (await import('./routes/index.ts')).pipelineRoutes,
  outerMiddleware: async () => (await import('./routes/traces.ts')).traceMiddleware,
  metrics: async () => (await import('./metrics.ts')).metrics,
  console: async () => (await import('./pages/index.ts')).parts,
  commandsAfter: { pipeline: 'deploy' },
  commands: async () => (await import('./cli/pipeline.ts')).addPipeline,
  reports: async () => (await import('./cli/reports.ts')).addReports,
  findings: async (client) => (await import('./doctor.ts')).unmappedPipelines(client),
};
