import type { Deps } from '../ports.ts';
import type { ActionItemId, ActionItemPatch, ActionItemView } from '../../../schemas/action-items/action-item.ts';
import type { ActionItemOrigin } from '../../../core/domain/ports/action-items.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { itemLine } from '../decisions/action-items.ts';
import { actionItemView, changeActionItem, type PostmortemDeps, unknownItem } from './postmortem.ts';

/** How often a change is applied again to an item that has changed meanwhile. */
const TRIES = 5;

/**
 * Changes an action item of a post-mortem, or of a feature.
 *
 * @throws Refusal 403, 404; 409 if it keeps changing
 */
export async function changeItem(
  deps: PostmortemDeps & Pick<Deps, 'extensions'>,
  caller: Caller,
  id: ActionItemId,
  patch: ActionItemPatch,
): Promise<ActionItemView> {
  // Items stay after their feature is no longer configured.
  for (const { load } of deps.extensions.actionItemOrigins) {
    const origin = await (await load()).originOf(id);
    if (origin !== undefined) return changeItemOf(deps, caller, origin, { id, patch });
  }
  return changeActionItem(deps, caller, id, patch);
}

/** Changes an item that is in the list only, and keeps its ID. */
async function changeItemOf(
  deps: Pick<Deps, 'postmortems' | 'clock'>,
  caller: Pick<Caller, 'name' | 'allow'>,
  origin: ActionItemOrigin,
  { id, patch: { status, ...patch } }: { id: ActionItemId; patch: ActionItemPatch },
): Promise<ActionItemView> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const item = (await deps.postmortems.itemsOf(origin.service, origin.id)).find((one) => one.id === id);
    if (item === undefined) throw unknownItem(id);
    caller.allow('incidents:write', origin);
    const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
    const at = deps.clock.now();
    const next = { ...item, ...given, ...(status !== undefined && { done: status === 'done' }), updated_at: at };
    if (itemLine(next) === itemLine(item)) return actionItemView(item, at);
    const entry = {
      id: `action-item:${id}:${at}`,
      at,
      actor: caller.name,
      kind: 'action_item.changed',
      subject: origin.id,
      text: `Changed the action item ${id} of ${origin.text}`,
      detail: { item: id, line: itemLine(next) },
    };
    if (await deps.postmortems.replaceItem(next, item, entry)) return actionItemView(next, at);
  }
  throw new Refusal(409, 'stale-revision', `the action item ${id} keeps changing; try again`);
}
