import type { Deps } from '../../../../domain/ports/deps.ts';
import type { Tracker } from '../../schemas/postmortem.ts';

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
