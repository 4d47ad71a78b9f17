import type { AnyVerb, Verb } from '../../../entrances/slack/commands/verb.ts';
import type { ExperimentId } from '../experiment.ts';

export type Listed = { service: string | null };

/** Lists chaos experiments. */
const experiments: Verb<Listed> = {
  permission: 'experiments:read',
  command: 'firebreak',
  name: 'experiments',
  usage: 'experiments [SERVICE]',
  description: 'show the chaos experiments in progress and the last ones',
  parse: ({ words: [service, ...more] }) =>
    more.length > 0 ? { error: 'too many arguments: expected a service' } : { service: service ?? null },
};

export type Pressed = { experiment: ExperimentId };

/** The buttons of the list of experiments. */
const stopExperiment: Verb<Pressed> = {
  permission: 'experiments:write',
  buttons: { stop_experiment: ({ experiment }) => ({ experiment }) },
};

export const verbs: Readonly<Record<string, AnyVerb>> = { experiments, stop_experiment: stopExperiment };
