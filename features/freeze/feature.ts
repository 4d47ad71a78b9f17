import type { Feature } from '../manifest.ts';
import { names } from './names.ts';
import { freezePorts, withPorts } from './ports.ts';
import { CURRENT_FREEZES, FREEZES, FREEZES_PAGE, REQUIRED_FREEZE } from './reports.ts';

/** Freezes: the freeze check for deploys, what freezes them, and the overrides by which people let single deploys through. */
export const freeze: Feature = {
  name: names.feature,
  creates: [/^\/v1\/freezes$/, /^\/v1\/freezes\/[^/]+\/overrides$/],
  // People can open a freeze at any time.
  isConfigured: () => true,
  ports: freezePorts,
  extensions: {
    freezes: async (deps) => (await import('./actions/deploy-freezes.ts')).deployFreezes(withPorts(deps)),
    systems: async (deps) => ({
      keys: {
        'signing key': async () => (await import('./actions/deploy-freezes.ts')).signingKey(withPorts(deps)),
        'waiting deployments': async () =>
          (await import('./vendors/github/answer.ts')).waitingDeploymentsState(withPorts(deps)),
      },
    }),
  },
  jobs: [
    {
      name: 'answer waiting deployments',
      run: async (deps) => (await import('./vendors/github/answer.ts')).answerWaitingDeployments(withPorts(deps)),
    },
    {
      name: 'find undelivered GitHub webhooks',
      run: async (deps) =>
        (await import('./vendors/github/undelivered.ts')).findUndeliveredDeployments(withPorts(deps)),
    },
    { name: 'remove old freeze decisions', run: (deps) => withPorts(deps).decisionRetention.run() },
  ],
  schedules: { evaluate: async (deps) => (await import('./actions/evaluate.ts')).evaluateJob(withPorts(deps)) },
  projections: [
    {
      kind: 'freeze',
      target: 'grafana',
      create: async (deps) => (await import('./projector.ts')).freezeProjector(withPorts(deps)),
    },
    {
      target: 'gates',
      parallel: 4,
      create: async (deps) => (await import('./gates.ts')).gatesProjector(withPorts(deps)),
    },
  ],
  computes: {
    [FREEZES.name]: async () => (await import('./actions/compute.ts')).list,
    [FREEZES_PAGE.name]: async () => (await import('./pages/data.ts')).shownFreezes,
    [CURRENT_FREEZES.name]: async () => (await import('./actions/compute.ts')).current,
    [REQUIRED_FREEZE.name]: async () => (await import('./actions/compute.ts')).required,
  },
  routes: async () => (await import('./routes/index.ts')).routes,
  middleware: async () => (await import('./routes/answer-waiting-deployments.ts')).addMiddleware,
  flush: (deps) => withPorts(deps).freezeDecisions.flush(),
  metrics: async () => (await import('./metrics.ts')).metrics,
  console: async () => (await import('./pages/index.ts')).parts,
  runs: async () => (await import('./slack/runs.ts')).runs,
  commands: async () => (await import('./cli/freeze.ts')).addFreeze,
  findings: async (client) => (await import('./doctor.ts')).gateFindings(client),
  lints: { freeze: async (...file) => (await import('./decisions/lint.ts')).lintFreezeFile(...file) },
};
