import { isOurs, pageKey } from '../../domain/pages.ts';
import type { Deps } from '../../domain/ports.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { secondsBetween } from '../../schemas/time.ts';
import { pageRequest } from '../../workflows/steps/page.ts';

/** What was not told by then is not worth telling any more. */
const WORTH_SECONDS = 3600;

type AcknowledgeDeps = Pick<Deps, 'incidents' | 'effects' | 'pager' | 'clock' | 'log'>;

/**
 * Tells the pager that somebody sees to the incident, so that it calls nobody else: for each page that it took before
 * that was said. Once each; what does not get through is tried again by the sweeper.
 */
export async function acknowledgePages(deps: AcknowledgeDeps, id: IncidentId): Promise<void> {
  const incident = await deps.incidents.read(id);
  if (incident === undefined || !isToTell(deps, incident)) return;
  for (let number = 1; number <= incident.pages; number += 1) await acknowledge(deps, incident, number);
}

/** Each minute: what `acknowledgePages` has not got through. */
export async function acknowledgeAll(deps: AcknowledgeDeps, open: readonly IncidentRecord[]): Promise<void> {
  for (const incident of open.filter((one) => isToTell(deps, one))) await acknowledgePages(deps, incident.id);
}

/** What was said at the pager is known there. */
function isToTell({ clock }: Pick<Deps, 'clock'>, { pages, care, status }: IncidentRecord): boolean {
  const said = care?.acknowledged;
  return (
    pages > 0 &&
    status !== 'resolved' &&
    said !== undefined &&
    !said.by.startsWith('pagerduty:') &&
    secondsBetween(said.at, clock.now()) < WORTH_SECONDS
  );
}

async function acknowledge(deps: AcknowledgeDeps, incident: IncidentRecord, number: number): Promise<void> {
  const { id, care } = incident;
  const key = pageKey(id, number);
  const page = await deps.effects.get(id, key);
  const said = care?.acknowledged;
  if (page === undefined || said === undefined || page.state !== 'succeeded' || !isOurs(page) || page.at > said.at)
    return;
  const done = `${key}.acknowledge`;
  const kept = await deps.effects.intend(id, {
    key: done,
    kind: 'page-acknowledge',
    target: 'pagerduty',
    class: 'convergent',
    detail: `Acknowledge page ${number}`,
  });
  if (kept.state !== 'intended') return;
  const answer = await deps.pager.send({ ...pageRequest(incident, key, deps), action: 'acknowledge' });
  if (answer.kind === 'later') return deps.log.warn('a page could not be acknowledged', { incident: id, ...answer });
  const taken = answer.kind === 'taken';
  await deps.effects.conclude(
    id,
    done,
    taken ? 'succeeded' : 'failed',
    taken ? `The page is acknowledged: ${answer.detail}` : `The page could not be acknowledged: ${answer.detail}`,
  );
}
