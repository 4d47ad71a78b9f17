import { isSentByFirebreak, pageKey, pagerTarget } from '../../domain/paging/pages.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { millisOf, secondsBetween } from '../../../schemas/time/time.ts';
import { pageRequest } from '../../../workflows/steps/page.ts';
import { Deadline, type Elapsed, pooled, rotated } from '../../domain/concurrency.ts';

/** How long after an acknowledgement or a decision Firebreak still tries to send it to the pager. */
export const ACKNOWLEDGE_WITHIN_SECONDS = 3600;

type AcknowledgeDeps = Pick<Deps, 'incidents' | 'effects' | 'pager' | 'clock' | 'log'>;

/**
 * Acknowledges an incident's pages at the pager, so that it stops escalating. Skips the page that was acknowledged at
 * the pager itself. Acknowledges each page once; the sweeper retries failures.
 */
export async function acknowledgePages(deps: AcknowledgeDeps, id: IncidentId): Promise<Reached> {
  const incident = await deps.incidents.read(id);
  if (incident === undefined || !needsAcknowledging(deps, incident)) return 'reached';
  const { page: upTo = incident.pages, pager_page: atPager } = incident.handling?.acknowledged ?? {};
  for (let number = 1; number <= upTo; number += 1)
    if (number !== atPager && (await acknowledge(deps, incident, number)) === 'unreachable') return 'unreachable'; // skip the others, which would fail too
  return 'reached';
}

/** Whether the pager was reachable. 'reached' also if there was nothing to send. */
type Reached = 'reached' | 'unreachable';

/** How many incidents are processed in parallel. */
const AT_ONCE = 4;

/** The time limit of one round, in milliseconds. The next round starts with other incidents. */
const ROUND_MS = 15_000;

/**
 * Retries failed acknowledgements, each minute. Stops when the pager is unreachable, until the next minute. No wait of a
 * workflow: one failed call to the pager spares those of all other incidents.
 */
export async function acknowledgeAllPages(
  deps: AcknowledgeDeps,
  open: readonly IncidentRecord[],
  elapsed: Elapsed = () => performance.now(),
): Promise<void> {
  const deadline = new Deadline(elapsed, ROUND_MS);
  let reached = true;
  const toAcknowledge = open.filter((one) => needsAcknowledging(deps, one));
  await pooled(rotated(toAcknowledge, Math.floor(millisOf(deps.clock.now()) / 60_000)), AT_ONCE, async ({ id }) => {
    if (!reached || deadline.left === 0) return;
    try {
      if ((await acknowledgePages(deps, id)) === 'unreachable') reached = false;
    } catch (error) {
      deps.log.error('the pages of an incident could not be acknowledged at PagerDuty', {
        incident: id,
        error: String(error),
      });
    }
  });
}

function needsAcknowledging({ clock }: Pick<Deps, 'clock'>, { pages, handling, status }: IncidentRecord): boolean {
  const statement = handling?.acknowledged;
  return (
    pages > 0 &&
    status !== 'resolved' &&
    statement !== undefined &&
    (statement.page ?? pages) > 0 &&
    secondsBetween(statement.at, clock.now()) < ACKNOWLEDGE_WITHIN_SECONDS
  );
}

/** Returns the key of an acknowledgement. If the pager has unacknowledged the page since, the key is a new one. */
function acknowledgementKey({ id, handling }: Pick<IncidentRecord, 'id' | 'handling'>, number: number): string {
  const again =
    handling?.unacknowledged !== undefined && handling.unacknowledged.page <= number
      ? `-${handling.unacknowledged.at}`
      : '';
  return `${pageKey(id, number)}.acknowledge${again}`;
}

/**
 * Returns whether Firebreak acknowledged this page at the pager. If so, the pager's state does not show that a person
 * did.
 */
export async function wasAcknowledgedByFirebreak(
  { effects }: Pick<AcknowledgeDeps, 'effects'>,
  incident: Pick<IncidentRecord, 'id' | 'handling'>,
  number: number,
): Promise<boolean> {
  const keys = [acknowledgementKey(incident, number), acknowledgementKey({ id: incident.id }, number)];
  return (await Promise.all(keys.map((key) => effects.get(incident.id, key)))).some((effect) => effect !== undefined);
}

async function acknowledge(deps: AcknowledgeDeps, incident: IncidentRecord, number: number): Promise<Reached> {
  const { id, handling } = incident;
  const key = pageKey(id, number);
  const page = await deps.effects.get(id, key);
  const statement = handling?.acknowledged;
  if (page === undefined || statement === undefined || page.state !== 'succeeded' || !isSentByFirebreak(page))
    return 'reached';
  if (page.taken_over !== undefined) return 'reached'; // the child's acknowledgement follows
  if (statement.page === undefined && page.at > statement.at) return 'reached';
  const acknowledgeKey = acknowledgementKey(incident, number);
  if ((await deps.effects.get(id, acknowledgeKey)) !== undefined) return 'reached';
  const answer = await deps.pager.send({ ...pageRequest(incident, key, deps), action: 'acknowledge' });
  if (answer.kind === 'later') {
    deps.log.warn('a page could not be acknowledged at PagerDuty; the sweeper tries again', {
      incident: id,
      ...answer,
    });
    return 'unreachable';
  }
  const taken = answer.kind === 'taken';
  // No intent is recorded before the call: acknowledging twice is harmless, and an incident that closes meanwhile stays
  // complete.
  await deps.effects.record(id, {
    key: acknowledgeKey,
    kind: 'page-acknowledge',
    ...(await pagerTarget(deps)),
    class: 'convergent',
    state: taken ? 'succeeded' : 'failed',
    detail: taken ? `Acknowledged the page: ${answer.detail}` : `Could not acknowledge the page: ${answer.detail}`,
  });
  return 'reached';
}
