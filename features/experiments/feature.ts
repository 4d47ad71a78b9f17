import * as z from 'zod';
import type { Feature } from '../manifest.ts';
import { ExperimentId } from './experiment.ts';
import { names } from './names.ts';
import { experimentPorts, withPorts } from './ports.ts';

const input = z.object({ experimentId: ExperimentId, run: z.number().int().min(1) });

/** Chaos experiments: observes a hypothesis, and makes the alerts expected that an experiment explains. */
export const experiments: Feature = {
  name: names.feature,
  creates: [/^\/v1\/experiments$/],
  isConfigured: ({ services }) =>
    Object.values(services).some(({ environments }) =>
      Object.values(environments).some((environment) => environment.experiments !== undefined),
    ),
  ports: experimentPorts,
  extensions: {
    expectedAlerts: async (deps) => (await import('./actions/expected-alerts.ts')).expectedAlerts(withPorts(deps)),
    systems: async (deps) => (await import('./actions/problems.ts')).chaosSystems(deps),
    actionItemOrigins: async (deps) => (await import('./actions/action-items.ts')).actionItemOrigins(withPorts(deps)),
  },
  workflow: {
    input,
    run: async (run, given: z.infer<typeof input>, deps) =>
      (await import('./workflow.ts')).experiment(run, given, withPorts(deps)),
  },
  jobs: [
    {
      name: 'observe chaos experiments',
      run: async (deps) => (await import('./actions/observe-chaos.ts')).observeChaos(withPorts(deps)),
    },
    {
      name: 'tend experiments',
      untilEnded: true,
      run: async (deps) => (await import('./actions/record-experiment.ts')).startOrphanedExperiments(withPorts(deps)),
    },
  ],
  routes: async () => (await import('./routes.ts')).experimentRoutes,
  console: async () => (await import('./pages/index.ts')).parts,
  runs: async () => (await import('./slack/runs.ts')).runs,
  commands: async () => (await import('./cli.ts')).addExperiment,
  findings: async (client) => (await import('./doctor.ts')).unobservedChaos(client),
};
