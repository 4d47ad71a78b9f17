import { approvalUrls } from '../../domain/incidents/approval-link.ts';
import { pageNote } from '../../domain/paging/page-note.ts';
import { isSentByFirebreak, pageKey, pagerTarget } from '../../domain/paging/pages.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { millisOf, secondsBetween } from '../../../schemas/time/time.ts';
import { Deadline, type Elapsed, pooled, rotated } from '../../domain/concurrency.ts';
import { ACKNOWLEDGE_WITHIN_SECONDS } from './acknowledge-pages.ts';

type NoteDeps = Pick<
  Deps,
  | 'approvalLinks'
  | 'clock'
  | 'config'
  | 'decisions'
  | 'effects'
  | 'externalPager'
  | 'incidents'
  | 'log'
  | 'pager'
  | 'publicUrl'
>;

/** How many incidents are processed in parallel. */
const AT_ONCE = 4;

/** The time limit of one round, in milliseconds. The next round starts with other incidents. */
const ROUND_MS = 15_000;

/**
 * Adds decisions that are newer than the page as notes to PagerDuty's incident, each minute, if `pagerduty.notes` is
 * on. A page does not wait for the first decision, and PagerDuty does not change the details of a sent page. No wait of a
 * workflow: one failed call to PagerDuty spares those of all other incidents.
 */
export async function noteDecisionsAtPager(
  deps: NoteDeps,
  open: readonly IncidentRecord[],
  elapsed: Elapsed = () => performance.now(),
): Promise<void> {
  if (!(await deps.config.current()).response.pagerduty.notes) return;
  const deadline = new Deadline(elapsed, ROUND_MS);
  let reached = true;
  const judged = open.filter(({ pages, mitigations }) => pages > 0 && mitigations > 0);
  await pooled(rotated(judged, Math.floor(millisOf(deps.clock.now()) / 60_000)), AT_ONCE, async (incident) => {
    if (!reached || deadline.left === 0) return;
    try {
      if (!(await notePage(deps, incident))) reached = false;
    } catch (error) {
      deps.log.error('a note could not be added at PagerDuty', { incident: incident.id, error: String(error) });
    }
  });
}

/**
 * Adds the newest decision as a note, or gives up when it is too old. Returns false if PagerDuty is unreachable: the next
 * round tries again.
 */
async function notePage(deps: NoteDeps, { id, pages, mitigations: number }: IncidentRecord): Promise<boolean> {
  const decision = await deps.decisions.get(id, number);
  if (decision === undefined || secondsBetween(decision.at, deps.clock.now()) >= ACKNOWLEDGE_WITHIN_SECONDS)
    return true;
  const page = await deps.effects.get(id, pageKey(id, pages));
  if (page?.state !== 'succeeded' || !isSentByFirebreak(page) || page.at > decision.at) return true;
  // One note per decision, and a second one for the result of a successful rollback.
  const outcome = (await deps.decisions.outcome(id, number))?.outcome;
  const key = `${pageKey(id, pages)}.note-${number}${outcome === 'succeeded' ? '-done' : ''}`;
  if ((await deps.effects.get(id, key)) !== undefined) return true;
  const found = await deps.externalPager.paged(pageKey(id, pages));
  if (found.kind === 'later' || found.kind === 'unclear') return unreachable(deps, id, found.detail);
  if (found.kind === 'done' && found.value === null) return true; // PagerDuty does not list the incident yet
  const external = found.kind === 'done' ? (found.value?.id ?? '') : '';
  const story = await deps.incidents.overview(id);
  if (story === undefined || story.incident.status === 'resolved') return true;
  const note = pageNote(story, await approvalUrls(deps, story));
  const response = found.kind === 'done' ? await deps.externalPager.annotate(external, note, key) : found;
  if (response.kind === 'later' || response.kind === 'unclear') return unreachable(deps, id, response.detail);
  const noted = response.kind === 'done';
  await deps.effects.record(id, {
    key,
    kind: 'page-note',
    ...(await pagerTarget(deps)),
    class: 'findable', // a repeat first searches PagerDuty for the note
    state: noted ? 'succeeded' : response.kind === 'off' ? 'withheld' : 'failed',
    detail: noted ? `Note added to PagerDuty incident ${external}` : `Note not added to PagerDuty: ${response.detail}`,
  });
  return true;
}

function unreachable({ log }: NoteDeps, incident: IncidentRecord['id'], detail: string): false {
  log.warn('a note could not be added at PagerDuty; the next round tries again', { incident, detail });
  return false;
}
