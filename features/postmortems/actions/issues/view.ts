import type { Deps } from '../../ports.ts';
import type { StoredActionItem } from '../../../../core/domain/ports/action-items.ts';
import type { IssueLink } from '../../schemas/postmortem.ts';
import type { ActionItemIssue, ActionItemView } from '../../../../schemas/action-items/action-item.ts';
import { actionItemView } from '../postmortem.ts';

/** Returns the issue of an item as it is shown. */
export const issueView = ({ tracker, issue, compared_at, problem }: IssueLink): ActionItemIssue => ({
  tracker,
  key: issue?.key ?? null,
  url: issue?.url ?? null,
  compared_at,
  problem,
});

/** Returns action items with their issues as they are shown. */
export async function actionItemViews(
  { actionItemIssues, clock }: Pick<Deps, 'actionItemIssues' | 'clock'>,
  items: readonly StoredActionItem[],
): Promise<ActionItemView[]> {
  const records = await actionItemIssues.readAll(items.flatMap(({ incident_id: id }) => id ?? []));
  const links = new Map(records.flatMap((record) => record.links.map((link) => [link.item_id, link] as const)));
  const now = clock.now();
  return items.map((item) => {
    const link = links.get(item.id);
    return actionItemView(item, now, link === undefined ? null : issueView(link));
  });
}

/** Adds the issue to an item that was just changed. */
export async function withIssue(
  { actionItemIssues }: Pick<Deps, 'actionItemIssues'>,
  item: ActionItemView,
): Promise<ActionItemView> {
  if (item.incident_id === null) return item;
  const link = (await actionItemIssues.read(item.incident_id))?.links.find(({ item_id }) => item_id === item.id);
  return { ...item, issue: link === undefined ? null : issueView(link) };
}
