import { minuteOf } from '../../domain/story.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { type ClearedNow, notTheDeploy } from '../acts/not-the-deploy.ts';
import { suspectAgain } from '../acts/suspect-again.ts';
import type { Doing } from './incident-errands.ts';
import { answered, type Outcome } from './outcome.ts';
import type { HearDeps } from './hear-deps.ts';

/** "This was not the deploy." */
export async function suspectCleared(
  deps: HearDeps,
  { who, key }: Doing,
  id: IncidentId,
  change: string,
): Promise<Outcome> {
  const now = await notTheDeploy(deps, who, { id, change, key });
  const { cleared, wrong } = now;
  const whose = cleared.by === who.name ? '' : ` ${cleared.by} has said so before you, at ${minuteOf(cleared.at)}.`;
  const counts = wrong ? ' The rollback counts as wrong, against the automation of the service.' : '';
  return answered(`Not the deploy: ${whatFollows(now)}${counts}${whose}`);
}

function whatFollows({ cleared: { version }, over, withdrawn, rollback }: ClearedNow): string {
  const to = rollback?.to == null ? '' : ` to ${rollback.to}`;
  if (over) return 'that is on the timeline of the incident, which is over.';
  if (rollback?.state === 'under_way')
    return `${version} is cleared, but it is being rolled back${to} at this moment, and that goes on to its end.`;
  if (rollback !== null)
    return `${version} is cleared, but it has been rolled back${to} already, and is pinned until somebody lifts that.`;
  const asked = withdrawn === 0 ? '' : ' The question about it is withdrawn.';
  return `${version} is cleared: it is not asked about any more, and rolled back only if a person asks for it.${asked} What else is suspected is judged now.`;
}

/** "It may be after all." */
export async function suspectedAgain(deps: HearDeps, { who }: Doing, id: IncidentId, change: string): Promise<Outcome> {
  const { cleared } = await suspectAgain(deps, who, { id, change });
  const version = cleared.find(({ change_id }) => change_id === change)?.version ?? 'It';
  return answered(
    `${version} is suspected again, and judged with the others now. What is done about it waits for a person.`,
  );
}
