import { itemLine } from '../../domain/postmortems/action-items.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { ExperimentId } from '../../schemas/experiments/experiment.ts';
import type { ActionItemId, ActionItemPatch, ActionItemView } from '../../schemas/postmortems/postmortem.ts';
import type { Caller } from '../people/caller.ts';
import { Refusal } from '../refusal.ts';
import { actionItemView, changeActionItem, type PostmortemDeps, unknownItem } from './postmortem.ts';

/** How often a change is applied again to an item that has changed meanwhile. */
const TRIES = 5;

/**
 * Changes an action item of a post-mortem or of an experiment.
 *
 * @throws Refusal 403, 404; 409 if it keeps changing
 */
export const changeItem = async (
  deps: PostmortemDeps & Pick<Deps, 'experiments'>,
  caller: Caller,
  id: ActionItemId,
  patch: ActionItemPatch,
): Promise<ActionItemView> =>
  (await changeExperimentItem(deps, caller, id, patch)) ?? changeActionItem(deps, caller, id, patch);

/** Changes an action item of an experiment, which keeps its ID. Undefined: it is of no experiment. */
async function changeExperimentItem(
  deps: Pick<Deps, 'experiments' | 'postmortems' | 'clock'>,
  caller: Caller,
  id: ActionItemId,
  { status, ...patch }: ActionItemPatch,
): Promise<ActionItemView | undefined> {
  const experiment = await deps.experiments.get(ExperimentId.parse(id.slice(0, id.indexOf('-'))));
  const serviceEnvironment = experiment?.scope[0];
  if (experiment === undefined || serviceEnvironment === undefined) return undefined;
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const item = (await deps.postmortems.itemsOf(serviceEnvironment.service, experiment.id)).find(
      (one) => one.id === id,
    );
    if (item === undefined) throw unknownItem(id);
    caller.allow('incidents:write', serviceEnvironment);
    const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
    const at = deps.clock.now();
    const next = { ...item, ...given, ...(status !== undefined && { done: status === 'done' }), updated_at: at };
    if (itemLine(next) === itemLine(item)) return actionItemView(item, at);
    const entry = {
      id: `action-item:${id}:${at}`,
      at,
      actor: caller.name,
      kind: 'action_item.changed',
      subject: experiment.id,
      text: `Changed the action item ${id} of the experiment ${experiment.name}`,
      detail: { item: id, line: itemLine(next) },
    };
    if (await deps.postmortems.changeExperimentItem(next, item, entry)) return actionItemView(next, at);
  }
  throw new Refusal(409, 'stale-revision', `the action item ${id} keeps changing; try again`);
}
