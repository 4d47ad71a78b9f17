import { serviceEntry } from '../../../../core/domain/catalogue/catalogue.ts';
import { placeOf, configFor } from '../../decisions/issues.ts';
import type { Deps } from '../../ports.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import type { ActionItemId, ActionItemView } from '../../../../schemas/action-items/action-item.ts';
import type { Caller } from '../../../../core/actions/people/caller.ts';
import { Refusal } from '../../../../core/domain/refusal.ts';
import { actionItemViews } from './view.ts';

type RequestDeps = Pick<Deps, 'incidents' | 'postmortems' | 'actionItemIssues' | 'config' | 'clock'>;

/**
 * Asks for the issue of an action item. The sweeper creates it within a minute; an item that has one keeps it.
 *
 * @throws Refusal 403, 404; 409 `no-tracker` or `item-done`
 */
export async function requestIssue(deps: RequestDeps, caller: Caller, id: ActionItemId): Promise<ActionItemView> {
  const incidentId = id.slice(0, id.indexOf('-')) as IncidentId;
  const incident = await deps.incidents.read(incidentId);
  const unknown = new Refusal(404, 'unknown-action-item', `there is no action item ${id}`);
  if (incident === undefined)
    throw new Refusal(
      404,
      'unknown-action-item',
      `no post-mortem has the action item ${id}; action items of experiments have no issues in trackers`,
    );
  caller.allow('incidents:write', incident);
  const items = await deps.postmortems.itemsOf(incident.service, incidentId);
  const item = items.find((one) => one.id === id);
  if (item === undefined) throw unknown;
  const [view] = await actionItemViews(deps, [item]);
  if (view === undefined) throw unknown;
  if (view.issue !== null && view.issue.problem === null) return view;
  const { services, postmortems } = await deps.config.current();
  const team = serviceEntry(services, item.service)?.team;
  const config = configFor(postmortems.trackers, { service: item.service, team });
  if (config === undefined)
    throw new Refusal(
      409,
      'no-tracker',
      `no issue tracker is configured for the service ${item.service}: add it to "trackers" in postmortems.yaml`,
    );
  if (item.done)
    throw new Refusal(409, 'item-done', `action item ${id} is done; set it to open before you create an issue`);
  await deps.actionItemIssues.request(incidentId, id, caller.name);
  if (view.issue !== null) return view;
  const { tracker } = placeOf(config);
  return { ...view, issue: { tracker, key: null, url: null, compared_at: null, problem: null } };
}
