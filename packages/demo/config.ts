import { healthQuery } from './monitoring.ts';
import type { StoryPlan, ToyPlan } from './stories/plan.ts';

/** A healthy version fails no requests. */
const HEALTHY_AT_MOST = 0.01;

/** Returns the configuration of a story: every service can be rolled back without approval. */
export const configOf = ({ services, routes, config }: StoryPlan): Record<string, object> => ({
  'services.yaml': {
    services: Object.fromEntries(Object.entries(services).map(([name, plan]) => [name, serviceEntry(name, plan)])),
  },
  ...(routes && { 'routes.yaml': routes }),
  // An hour takes a minute here, so reminders would come too fast for people to act on.
  'response.yaml': { triage: { acknowledgeMinutes: 'off', commanderMinutes: 'off', updateMinutes: 'off' } },
  ...config,
});

const serviceEntry = (name: string, { team, component, needs = [] }: ToyPlan): object => ({
  team,
  repository: `acme/${name}`,
  dependsOn: needs,
  slack: { channel: `#${team}` },
  ...(component !== undefined && { statusPage: { components: [component], publish: 'auto' } }),
  environments: {
    production: {
      deployer: { kind: 'http' },
      // An hour takes a minute here, and the person may answer slowly.
      autoRollback: { mode: 'act', evidence: 'time', approvalTimeoutMinutes: 24 * 60 },
      health: { promql: healthQuery(name), max: HEALTHY_AT_MOST },
    },
  },
});
