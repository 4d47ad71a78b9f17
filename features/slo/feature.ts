import type { Feature } from '../manifest.ts';
import { names, SLO_FOLDER } from './names.ts';
import { sloPorts, withPorts } from './ports.ts';
import { BURNING_SLOS, SLO_LIST, SLO_VIEWS } from './reports.ts';

/** Objectives: counts their error budgets, freezes deploys when these are spent or burn too fast, and generates rules. */
export const slo: Feature = {
  name: names.feature,
  requires: ['freeze'], // opens freezes for burn alerts, and evaluates for their policies
  creates: [/^\/v1\/slos\/[^/]+\/corrections$/],
  // The freezes, statuses, and pages of objectives outlive the last configured one.
  isConfigured: () => true,
  ports: sloPorts,
  extensions: {
    errorBudgets: async (deps) => (await import('./error-budgets.ts')).errorBudgets(withPorts(deps)),
    systems: async (deps) => (await import('./actions/objectives.ts')).measuredSystems(withPorts(deps)),
  },
  jobs: [
    {
      name: 'compare generated rules',
      run: async (deps) => (await import('./actions/report-drift.ts')).reportDrift(withPorts(deps)),
    },
  ],
  objectives: { folder: SLO_FOLDER, load: async () => (await import('./files.ts')).objectiveFiles },
  routes: async () => (await import('./routes/index.ts')).objectiveRoutes,
  computes: {
    [SLO_VIEWS.name]: async () => (await import('./actions/compute.ts')).views,
    [SLO_LIST.name]: async () => (await import('./actions/compute.ts')).list,
    [BURNING_SLOS.name]: async () => (await import('./actions/compute.ts')).burning,
  },
  metrics: async () => (await import('./metrics.ts')).metrics,
  console: async () => (await import('./pages/index.ts')).parts,
  commandsAfter: { slo: 'runbooks' },
  commands: async () => (await import('./cli/slo.ts')).addSlo,
};
