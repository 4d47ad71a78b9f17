import type { Feature } from '../manifest.ts';
import { names } from './names.ts';
import { RECORDED_OBJECTIVE, RECORDINGS } from './reports.ts';

/** What-if: shows what a changed policy would have done with recorded incidents, and tests a policy against them. */
export const simulation: Feature = {
  name: names.feature,
  requires: ['freeze', 'slo'], // replays freezes, and the evaluations of objectives
  isConfigured: () => true,
  computes: {
    [RECORDINGS.name]: async () => (await import('./actions/recordings.ts')).recordings,
    [RECORDED_OBJECTIVE.name]: async () => (await import('./actions/objectives.ts')).objective,
  },
  routes: async () => (await import('./routes.ts')).recordingRoutes,
  commands: async () => (await import('./cli/index.ts')).addSimulation,
  commandsAfter: { replay: 'quarantine', simulate: 'runbooks', test: 'restore', export: 'test' },
};
