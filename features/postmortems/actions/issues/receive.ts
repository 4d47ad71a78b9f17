import type { Deps } from '../../ports.ts';
import { parsedEvent } from '../../../../core/domain/changes/forge-event.ts';
import type { ForgeEvents } from '../../../../core/domain/ports/extensions.ts';
import { idOf, IssuesEvent } from '../../vendors/github/action-item-issues.ts';
import type { Tracker } from '../../../../schemas/action-items/action-item.ts';

/**
 * Marks the incident whose action item has an issue for a comparison. The webhook's content is not used, so its order and
 * repeats do not matter. Returns whether there is one.
 */
export async function markIssueChanged(
  { actionItemIssues }: Pick<Deps, 'actionItemIssues'>,
  tracker: Tracker,
  id: string,
): Promise<boolean> {
  const incident = await actionItemIssues.incidentOf(tracker, id);
  if (incident === undefined) return false;
  await actionItemIssues.mark(incident);
  return true;
}

/** Takes the events of GitHub about issues. Notes that the issue of an action item may have changed. */
export const issueEvents = (deps: Pick<Deps, 'actionItemIssues'>): ForgeEvents => ({
  async receive(forge, event) {
    if (forge !== 'github' || event.type !== 'issues') return undefined;
    const { action, issue, repository } = parsedEvent(IssuesEvent, event);
    const id = idOf(repository.full_name, issue.number);
    return (await markIssueChanged(deps, 'github', id))
      ? { recorded: id }
      : { ignored: `issues.${action}: ${id} belongs to no action item` };
  },
});
