import { healthQuery } from './monitoring.ts';
import type { ToyPlan } from './stories/story.ts';

/** A good version fails nobody. */
const HEALTHY_AT_MOST = 0.01;

/** The `services` of a catalogue in which all of these may be rolled back without asking. */
export const catalogueOf = (plans: Readonly<Record<string, ToyPlan>>): Record<string, object> =>
  Object.fromEntries(Object.entries(plans).map(([name, plan]) => [name, entryOf(name, plan)]));

const entryOf = (name: string, { team, component, needs }: ToyPlan): object => ({
  team,
  repository: `acme/${name}`,
  dependsOn: [...needs],
  slack: { channel: `#${team}` },
  statusPage: { components: [component], publish: 'auto' },
  environments: {
    production: {
      deployer: { kind: 'http' },
      autoRollback: { mode: 'act' },
      health: { promql: healthQuery(name), max: HEALTHY_AT_MOST },
    },
  },
});
