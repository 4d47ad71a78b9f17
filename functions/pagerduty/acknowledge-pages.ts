import { isOurs, pageKey, pagerTarget } from '../../domain/pages.ts';
import type { Deps } from '../../domain/ports.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { millisOf, secondsBetween } from '../../schemas/time.ts';
import { pageRequest } from '../../workflows/steps/page.ts';
import { Deadline, type Elapsed, pooled, rotated } from '../evaluation/pool.ts';

/** What was not told by then is not worth telling any more. */
export const WORTH_SECONDS = 3600;

type AcknowledgeDeps = Pick<Deps, 'incidents' | 'effects' | 'pager' | 'clock' | 'log'>;

/**
 * Tells the pager that somebody sees to the incident, so that it calls nobody else: for each page that they have heard,
 * but for the one of which they have said so there. Once each; what does not get through is tried again by the sweeper.
 */
export async function acknowledgePages(deps: AcknowledgeDeps, id: IncidentId): Promise<Reached> {
  const incident = await deps.incidents.read(id);
  if (incident === undefined || !isToTell(deps, incident)) return 'reached';
  const { page: upTo = incident.pages, there } = incident.care?.acknowledged ?? {};
  for (let number = 1; number <= upTo; number += 1)
    if (number !== there && (await acknowledge(deps, incident, number)) === 'unreachable') return 'unreachable'; // as is for the next one
  return 'reached';
}

/** Whether the pager takes what it is told now, as far as it was told anything. */
type Reached = 'reached' | 'unreachable';

/** Incidents that are looked after at once. */
const AT_ONCE = 4;

/** Milliseconds. Nothing is begun after so long: the next round begins with others. */
const ROUND_MS = 15_000;

/** Each minute: what `acknowledgePages` has not got through. Where the pager cannot be reached, the next minute does it. */
export async function acknowledgeAll(
  deps: AcknowledgeDeps,
  open: readonly IncidentRecord[],
  elapsed: Elapsed = () => performance.now(),
): Promise<void> {
  const deadline = new Deadline(elapsed, ROUND_MS);
  let reached = true;
  const untold = open.filter((one) => isToTell(deps, one));
  await pooled(rotated(untold, Math.floor(millisOf(deps.clock.now()) / 60_000)), AT_ONCE, async ({ id }) => {
    if (!reached || deadline.left === 0) return;
    try {
      if ((await acknowledgePages(deps, id)) === 'unreachable') reached = false;
    } catch (error) {
      deps.log.error('the pages of an incident could not be acknowledged', { incident: id, error: String(error) });
    }
  });
}

function isToTell({ clock }: Pick<Deps, 'clock'>, { pages, care, status }: IncidentRecord): boolean {
  const said = care?.acknowledged;
  return (
    pages > 0 &&
    status !== 'resolved' &&
    said !== undefined &&
    (said.page ?? pages) > 0 &&
    secondsBetween(said.at, clock.now()) < WORTH_SECONDS
  );
}

/** What the pager has taken back since is said again. */
function toldKey({ id, care }: Pick<IncidentRecord, 'id' | 'care'>, number: number): string {
  const again = care?.rings !== undefined && care.rings.page <= number ? `-${care.rings.at}` : '';
  return `${pageKey(id, number)}.acknowledge${again}`;
}

/** Whether the pager was told by us that this page is acknowledged: then it shows so, and nobody else has said it. */
export async function isToldByUs(
  { effects }: Pick<AcknowledgeDeps, 'effects'>,
  incident: Pick<IncidentRecord, 'id' | 'care'>,
  number: number,
): Promise<boolean> {
  const keys = [toldKey(incident, number), toldKey({ id: incident.id }, number)];
  return (await Promise.all(keys.map((key) => effects.get(incident.id, key)))).some((told) => told !== undefined);
}

async function acknowledge(deps: AcknowledgeDeps, incident: IncidentRecord, number: number): Promise<Reached> {
  const { id, care } = incident;
  const key = pageKey(id, number);
  const page = await deps.effects.get(id, key);
  const said = care?.acknowledged;
  if (page === undefined || said === undefined || page.state !== 'succeeded' || !isOurs(page)) return 'reached';
  if (said.page === undefined && page.at > said.at) return 'reached';
  const done = toldKey(incident, number);
  if ((await deps.effects.get(id, done)) !== undefined) return 'reached';
  const answer = await deps.pager.send({ ...pageRequest(incident, key, deps), action: 'acknowledge' });
  if (answer.kind === 'later') {
    deps.log.warn('a page could not be acknowledged', { incident: id, ...answer });
    return 'unreachable';
  }
  const taken = answer.kind === 'taken';
  // Nothing was written before: to acknowledge twice is the same, and an incident that closes meanwhile is whole.
  await deps.effects.record(id, {
    key: done,
    kind: 'page-acknowledge',
    ...(await pagerTarget(deps)),
    class: 'convergent',
    state: taken ? 'succeeded' : 'failed',
    detail: `The page ${taken ? 'is' : 'could not be'} acknowledged: ${answer.detail}`,
  });
  return 'reached';
}
