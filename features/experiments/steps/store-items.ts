import { serviceEntry } from '../../../domain/catalogue/catalogue.ts';
import { actionItemsOfExperiment } from '../decisions/action-items.ts';
import type { Deps } from '../ports.ts';
import type { ExperimentRecord } from '../experiment.ts';
import { ActionItemId } from '../../postmortems/schemas/postmortem.ts';

/**
 * Stores the action items of a failed hypothesis. A repeat changes nothing, also if people have changed an item since:
 * the IDs follow from the order of the reasons.
 */
export async function storeExperimentItems(
  { config, postmortems, experiments, clock }: Pick<Deps, 'config' | 'postmortems' | 'experiments' | 'clock'>,
  experiment: ExperimentRecord,
): Promise<void> {
  const [serviceEnvironment] = experiment.scope;
  if (serviceEnvironment === undefined || experiment.conclusion?.outcome !== 'failed') return;
  const { services, postmortems: policy } = await config.current();
  const now = clock.now();
  const items = actionItemsOfExperiment(experiment, await experiments.expected(experiment.id), {
    team: serviceEntry(services, serviceEnvironment.service)?.team ?? null,
    dueDays: policy.dueDays,
    now,
  });
  await postmortems.addItems(
    items.map((item, index) => ({
      ...item,
      ...serviceEnvironment,
      id: ActionItemId.parse(`${experiment.id}-${String(index + 1).padStart(8, '0')}`),
      incident_id: null,
      experiment_id: experiment.id,
      alert: '',
      updated_at: now,
    })),
  );
}
