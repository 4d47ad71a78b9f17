import { heard, isHeard } from '../../domain/heard.ts';
import type { Deps } from '../../domain/ports.ts';
import { placeOf } from '../../domain/story.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { millisOf, secondsBetween } from '../../schemas/time.ts';
import { Deadline, type Elapsed, rotated } from '../evaluation/pool.ts';
import { acknowledgePages, WORTH_SECONDS } from './acknowledge-pages.ts';
import { rungBy } from './acknowledged.ts';

/** Milliseconds. Nothing is begun after so long: the next round begins with others. */
const ROUND_MS = 15_000;

type TogetherDeps = Pick<Deps, 'incidents' | 'crowds' | 'effects' | 'pager' | 'clock' | 'log'>;

/**
 * Incidents that belong together are one event for whoever is woken by it: that somebody sees to one of its parts counts
 * for the parent, which is what pages; that somebody sees to the parent counts for its parts, which may have rung before
 * they joined. As ever it counts for the pages that have rung by then. Safe to repeat.
 *
 * @param id of the one of which it was said
 * @returns the parent, where it counts as seen to by what was said of this part
 */
export async function seenTogether(deps: TogetherDeps, id: IncidentId): Promise<IncidentId | null> {
  const incident = await deps.incidents.read(id);
  const parent = incident && (await parentOf(deps, incident));
  if (incident === undefined || parent === undefined) return null;
  if (parent.id !== id) {
    await counts(deps, incident, { for: parent, text: `Sees to ${placeOf(incident)}, which is a part of it` });
    await acknowledgePages(deps, parent.id);
  }
  const now = await deps.incidents.read(parent.id);
  if (now?.care?.acknowledged === undefined) return null;
  for (const { incident: part } of await deps.crowds.parts(parent.id)) {
    if (part.id === id || part.status === 'resolved' || part.pages === 0 || isHeard(part)) continue;
    await counts(deps, now, { for: part, text: `Sees to incident ${parent.id}, of which it is a part` });
    await acknowledgePages(deps, part.id);
  }
  return parent.id !== id && isSameWord(now, incident) ? parent.id : null;
}

/** Each minute: what is heard in other ways than by a call or a button, and what had to be left. */
export async function seeTogether(
  deps: TogetherDeps,
  open: readonly IncidentRecord[],
  elapsed: Elapsed = () => performance.now(),
): Promise<void> {
  const deadline = new Deadline(elapsed, ROUND_MS);
  for (const { id } of rotated(saidOf(deps, open), Math.floor(millisOf(deps.clock.now()) / 60_000))) {
    if (deadline.left === 0) return;
    try {
      await seenTogether(deps, id);
    } catch (error) {
      deps.log.error('that somebody sees to it could not be told to what belongs to it', {
        incident: id,
        error: String(error),
      });
    }
  }
}

/** Those of which it was said lately themselves: of many parts it was said only with their parent. */
function saidOf({ clock }: TogetherDeps, open: readonly IncidentRecord[]): IncidentRecord[] {
  const parents = new Map(open.filter(({ crowd }) => crowd !== undefined).map((one) => [one.id, one]));
  return open.filter((one) => {
    const said = one.care?.acknowledged;
    const parent = one.parent_id && parents.get(one.parent_id);
    if (said === undefined || secondsBetween(said.at, clock.now()) >= WORTH_SECONDS) return false;
    return parents.has(one.id) || (parent !== undefined && !isSameWord(parent, one));
  });
}

/** Itself, where it has parts. Undefined: it is no part of anything that goes on. */
async function parentOf({ incidents }: TogetherDeps, incident: IncidentRecord): Promise<IncidentRecord | undefined> {
  if (incident.crowd !== undefined) return incident;
  const parent = incident.parent_id === undefined ? undefined : await incidents.read(incident.parent_id);
  return parent?.status === 'resolved' ? undefined : parent;
}

/** Whoever sees to this one sees to that one, too, as far as it had rung by then. */
async function counts(
  deps: TogetherDeps,
  { id: from, care }: IncidentRecord,
  { for: { id }, text }: { for: IncidentRecord; text: string },
): Promise<void> {
  const said = care?.acknowledged;
  if (said === undefined) return;
  const { by, at } = said;
  const page = await rungBy(deps, { incidentId: id, number: 0 }, at);
  if (page === 0) return;
  const timeline = { actor: by, kind: 'incident.acknowledged', text, detail: { incident: from } };
  await deps.incidents.amend(
    id,
    (incident) => {
      const change = heard(incident, { by, at, page });
      return change.care === undefined ? undefined : { ...change, timeline };
    },
    `seen-with-${from}-${at}`,
  );
}

const isSameWord = ({ care: one }: IncidentRecord, { care: other }: IncidentRecord): boolean =>
  one?.acknowledged?.at === other?.acknowledged?.at && one?.acknowledged?.by === other?.acknowledged?.by;
