import * as z from 'zod';
import type { Feature } from '../manifest.ts';
import { CanaryId } from './canary.ts';
import { names } from './names.ts';
import { canaryPorts, withPorts } from './ports.ts';

const input = z.object({ canaryId: CanaryId, run: z.number().int().min(1) });

/** Canaries: new versions that get traffic step by step while the judge finds them healthy, and lose it when they are worse. */
export const canary: Feature = {
  name: names.feature,
  requires: ['freeze'], // a step waits for the end of a freeze
  creates: [/^\/v1\/canaries$/, /^\/v1\/canaries\/[^/]+\/actions\/[^/]+$/],
  isConfigured: ({ services }) =>
    Object.values(services).some(({ environments }) =>
      Object.values(environments).some((environment) => environment.canary !== undefined),
    ),
  ports: canaryPorts,
  extensions: {
    drivenDeploys: async (deps) => (await import('./actions/driven-deploys.ts')).drivenDeploys(withPorts(deps)),
    systems: async (deps) => (await import('./actions/problems.ts')).trafficRouters(withPorts(deps)),
  },
  workflow: {
    input,
    run: async (run, given: z.infer<typeof input>, core) => {
      const [{ canary: workflow }, { canaryActions }] = await Promise.all([
        import('./workflow.ts'),
        import('./actions/canary-actions.ts'),
      ]);
      const deps = withPorts(core);
      return workflow(run, given, deps, canaryActions(deps));
    },
  },
  jobs: [
    {
      name: 'start canaries',
      untilEnded: true,
      run: async (deps) => (await import('./actions/canaries.ts')).startOrphanedCanaries(withPorts(deps)),
    },
  ],
  routes: async () => (await import('./routes.ts')).canaryRoutes,
  console: async () => (await import('./pages/index.ts')).parts,
  runs: async () => (await import('./slack/runs.ts')).runs,
  commands: async () => (await import('./cli.ts')).addCanary,
};
