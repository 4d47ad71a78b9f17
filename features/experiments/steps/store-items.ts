import { serviceEntry } from '../../../domain/catalogue/catalogue.ts';
import { configured } from '../../../domain/ports/extensions.ts';
import { actionItemsOfExperiment } from '../decisions/action-items.ts';
import type { Deps } from '../ports.ts';
import type { ExperimentRecord } from '../experiment.ts';
import { ActionItemId } from '../../../schemas/action-items/action-item.ts';

/**
 * Adds the action items of a failed hypothesis to the list, if there is one. A repeat changes nothing, also if people have changed an item since:
 * the IDs follow from the order of the reasons.
 */
export async function storeExperimentItems(
  { config, extensions, experiments, clock }: Pick<Deps, 'config' | 'extensions' | 'experiments' | 'clock'>,
  experiment: ExperimentRecord,
): Promise<void> {
  const [serviceEnvironment] = experiment.scope;
  if (serviceEnvironment === undefined || experiment.conclusion?.outcome !== 'failed') return;
  const current = await config.current();
  const [list] = await configured(extensions.actionItems, current);
  if (list === undefined) return;
  const now = clock.now();
  const items = actionItemsOfExperiment(experiment, await experiments.expected(experiment.id), {
    team: serviceEntry(current.services, serviceEnvironment.service)?.team ?? null,
    dueDays: await list.dueDays(),
    now,
  });
  await list.add(
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
