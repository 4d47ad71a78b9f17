import { itemLine } from '../../postmortems/decisions/action-items.ts';
import type { ActionItems } from '../../../domain/ports/extensions.ts';
import type { ActionItemId, ActionItemPatch, ActionItemView } from '../../postmortems/schemas/postmortem.ts';
import type { Caller } from '../../../actions/people/caller.ts';
import { actionItemView, unknownItem } from '../../postmortems/actions/postmortem.ts';
import { Refusal } from '../../../actions/refusal.ts';
import { ExperimentId } from '../experiment.ts';
import type { Deps } from '../ports.ts';

/** How often a change is applied again to an item that has changed meanwhile. */
const TRIES = 5;

type ItemDeps = Pick<Deps, 'experiments' | 'postmortems' | 'clock'>;

/** Changes action items of failed hypotheses. */
export const actionItems = (deps: ItemDeps): ActionItems => ({
  change: (caller, id, patch) => changeExperimentItem(deps, caller, id, patch),
});

/** Changes an action item of an experiment, which keeps its ID. Undefined: it is of no experiment. */
async function changeExperimentItem(
  deps: ItemDeps,
  caller: Pick<Caller, 'name' | 'allow'>,
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
    if (await deps.postmortems.replaceItem(next, item, entry)) return actionItemView(next, at);
  }
  throw new Refusal(409, 'stale-revision', `the action item ${id} keeps changing; try again`);
}
