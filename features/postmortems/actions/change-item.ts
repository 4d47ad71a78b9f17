import type { Deps } from '../../../domain/ports/deps.ts';
import type { ActionItemId, ActionItemPatch, ActionItemView } from '../schemas/postmortem.ts';
import type { Caller } from '../../../actions/people/caller.ts';
import { changeActionItem, type PostmortemDeps } from './postmortem.ts';

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
  for (const { load } of deps.extensions.actionItems) {
    const changed = await (await load()).change(caller, id, patch);
    if (changed !== undefined) return changed;
  }
  return changeActionItem(deps, caller, id, patch);
}
