import { healthQuery } from './monitoring.ts';
import type { Story, ToyPlan } from './stories/story.ts';

/** A good version fails nobody. */
const HEALTHY_AT_MOST = 0.01;

/** The configuration in which a story is played: every service may be rolled back without asking. */
export const configOf = ({
  services,
  routes,
  config,
}: Pick<Story, 'services' | 'routes' | 'config'>): Record<string, object> => ({
  'services.yaml': {
    services: Object.fromEntries(Object.entries(services).map(([name, plan]) => [name, entryOf(name, plan)])),
  },
  ...(routes && { 'routes.yaml': routes }),
  // An hour is a minute here: people could not do what they would be reminded of.
  'response.yaml': { triage: { acknowledgeMinutes: 'off', commanderMinutes: 'off', updateMinutes: 'off' } },
  ...config,
});

const entryOf = (name: string, { team, component, needs = [] }: ToyPlan): object => ({
  team,
  repository: `acme/${name}`,
  dependsOn: needs,
  slack: { channel: `#${team}` },
  ...(component !== undefined && { statusPage: { components: [component], publish: 'auto' } }),
  environments: {
    production: {
      deployer: { kind: 'http' },
      // An hour is a minute here, and whoever plays the person may be slow.
      autoRollback: { mode: 'act', approvalTimeoutMinutes: 24 * 60 },
      health: { promql: healthQuery(name), max: HEALTHY_AT_MOST },
    },
  },
});
