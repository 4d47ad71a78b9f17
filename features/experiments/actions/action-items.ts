import type { ActionItemOrigins } from '../../../core/domain/ports/action-items.ts';
import { ExperimentId } from '../experiment.ts';
import type { Deps } from '../ports.ts';

/** Tells which action items are of failed hypotheses. Each has the ID of its experiment, and a number. */
export const actionItemOrigins = ({ experiments }: Pick<Deps, 'experiments'>): ActionItemOrigins => ({
  async originOf(id) {
    const experiment = await experiments.get(ExperimentId.parse(id.slice(0, id.indexOf('-'))));
    const serviceEnvironment = experiment?.scope[0];
    return experiment === undefined || serviceEnvironment === undefined
      ? undefined
      : { id: experiment.id, ...serviceEnvironment, text: `the experiment ${experiment.name}` };
  },
});
