import { minuteOf } from '../../domain/messages/story.ts';
import { type ClearingResult, clearSuspectChange } from '../../actions/incidents/clear-suspect.ts';
import { restoreSuspectChange } from '../../actions/incidents/restore-suspect.ts';
import { answered } from '../outcome.ts';
import type { IncidentVerb, RunInIncident } from './verb.ts';

type Suspect = { change: string };

export const clearSuspect: IncidentVerb<Suspect> = {
  permission: 'incidents:act',
  ofIncident: true,
  buttons: { not_the_deploy: ({ change }) => ({ change }) },
};

export const runClearSuspect: RunInIncident<Suspect> = async (deps, { caller, key }, id, { change }) => {
  const now = await clearSuspectChange(deps, caller, { id, change, key });
  const { cleared, wrong } = now;
  const clearedBy =
    cleared.by === caller.name ? '' : ` ${cleared.by} has already cleared it, at ${minuteOf(cleared.at)}.`;
  const counts = wrong ? ' The rollback is marked as wrong, which counts against the automation of the service.' : '';
  return answered(`${whatFollows(now)}${counts}${clearedBy}`);
};

function whatFollows({ cleared: { version }, over, withdrawn, rollback }: ClearingResult): string {
  const to = rollback?.to == null ? '' : ` to ${rollback.to}`;
  if (over) return `${version} is cleared on the timeline only, because the incident is already resolved.`;
  if (rollback?.state === 'under_way')
    return `${version} is cleared, but its rollback${to} is in progress and continues.`;
  if (rollback !== null)
    return `${version} is cleared, but it was already rolled back${to}. It stays pinned until the pin is lifted.`;
  const note = withdrawn === 0 ? '' : ' The question about it is withdrawn.';
  return `${version} is cleared: Firebreak no longer asks about it, and rolls it back only if a person requests that.${note} Firebreak now evaluates the other suspects.`;
}

/** Suspects a cleared change again. */
export const restoreSuspect: IncidentVerb<Suspect> = {
  permission: 'incidents:act',
  ofIncident: true,
  buttons: { suspect_again: ({ change }) => ({ change }) },
};

export const runRestoreSuspect: RunInIncident<Suspect> = async (deps, { caller }, id, { change }) => {
  const { cleared } = await restoreSuspectChange(deps, caller, { id, change });
  const version = cleared.find(({ change_id }) => change_id === change)?.version ?? 'The change';
  return answered(
    `${version} is suspected again, and Firebreak now evaluates it with the other suspects. Any action requires approval.`,
  );
};
