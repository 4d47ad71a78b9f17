import { incidentName } from '../../domain/incidents/incident-number.ts';
import { withAcknowledgement, isAcknowledged } from '../../domain/paging/acknowledgement.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { serviceEnvironmentText } from '../../domain/messages/story.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { millisOf, secondsBetween } from '../../../schemas/time/time.ts';
import { Deadline, type Elapsed, rotated } from '../../domain/concurrency.ts';
import { acknowledgePages, ACKNOWLEDGE_WITHIN_SECONDS } from './acknowledge-pages.ts';
import { newestPageSentBy } from './record-acknowledgement.ts';

/** The time limit of one round, in milliseconds. The next round starts with other incidents. */
const ROUND_MS = 15_000;

type GroupDeps = Pick<Deps, 'incidents' | 'incidentGroups' | 'effects' | 'pager' | 'clock' | 'log'>;

/**
 * Propagates an acknowledgement within an incident group. Acknowledging a child counts for the parent, which pages for
 * the group. Acknowledging the parent counts for its children, which may have paged before they joined. In each case it
 * counts for the pages sent by then. Idempotent.
 *
 * @param id the incident that was acknowledged
 * @returns the parent, if it counts as acknowledged because of this child
 */
export async function acknowledgeGroup(deps: GroupDeps, id: IncidentId): Promise<IncidentId | null> {
  const incident = await deps.incidents.read(id);
  const parent = incident && (await parentOf(deps, incident));
  if (incident === undefined || parent === undefined) return null;
  if (parent.id !== id) {
    await acknowledgeOther(deps, incident, {
      for: parent,
      text: `Acknowledged the child incident of ${serviceEnvironmentText(incident)}`,
    });
    await acknowledgePages(deps, parent.id);
  }
  const currentParent = await deps.incidents.read(parent.id);
  if (currentParent?.handling?.acknowledged === undefined) return null;
  for (const { incident: child } of await deps.incidentGroups.children(parent.id)) {
    if (child.id === id || child.status === 'resolved' || child.pages === 0 || isAcknowledged(child)) continue;
    await acknowledgeOther(deps, currentParent, {
      for: child,
      text: `Acknowledged the parent incident ${incidentName(parent)}`,
    });
    await acknowledgePages(deps, child.id);
  }
  return parent.id !== id && isSameAcknowledgement(currentParent, incident) ? parent.id : null;
}

/**
 * Propagates acknowledgements each minute: those found by polling, and those that failed before. No wait of a workflow: the
 * open incidents show, without a read, that nearly all have nothing to propagate.
 */
export async function acknowledgeGroups(
  deps: GroupDeps,
  open: readonly IncidentRecord[],
  elapsed: Elapsed = () => performance.now(),
): Promise<void> {
  const deadline = new Deadline(elapsed, ROUND_MS);
  for (const { id } of rotated(recentlyAcknowledged(deps, open), Math.floor(millisOf(deps.clock.now()) / 60_000))) {
    if (deadline.left === 0) return;
    try {
      await acknowledgeGroup(deps, id);
    } catch (error) {
      deps.log.error('an acknowledgement could not be propagated to the incident group', {
        incident: id,
        error: String(error),
      });
    }
  }
}

/** Returns recently acknowledged incidents, except for children whose acknowledgement comes from their parent. */
function recentlyAcknowledged({ clock }: GroupDeps, open: readonly IncidentRecord[]): IncidentRecord[] {
  const parents = new Map(open.filter(({ group_reason }) => group_reason !== undefined).map((one) => [one.id, one]));
  return open.filter((one) => {
    const statement = one.handling?.acknowledged;
    const parent = one.parent_id && parents.get(one.parent_id);
    if (statement === undefined || secondsBetween(statement.at, clock.now()) >= ACKNOWLEDGE_WITHIN_SECONDS)
      return false;
    return parents.has(one.id) || (parent !== undefined && !isSameAcknowledgement(parent, one));
  });
}

/** Returns the open parent, or the incident itself if it is a parent. Returns undefined if it has no open parent. */
async function parentOf({ incidents }: GroupDeps, incident: IncidentRecord): Promise<IncidentRecord | undefined> {
  if (incident.group_reason !== undefined) return incident;
  const parent = incident.parent_id === undefined ? undefined : await incidents.read(incident.parent_id);
  return parent?.status === 'resolved' ? undefined : parent;
}

/** Applies an acknowledgement to another incident of the group, for the pages that it sent by then. */
async function acknowledgeOther(
  deps: GroupDeps,
  { id: from, handling }: IncidentRecord,
  { for: { id }, text }: { for: IncidentRecord; text: string },
): Promise<void> {
  const statement = handling?.acknowledged;
  if (statement === undefined) return;
  const { by, at } = statement;
  // Zero: this incident has sent no page by then.
  const page = await newestPageSentBy(deps, { incidentId: id, number: 0 }, at);
  if (page === 0) return;
  const timeline = { actor: by, kind: 'incident.acknowledged', text, detail: { incident: from } };
  await deps.incidents.amend(
    id,
    (incident) => {
      const change = withAcknowledgement(incident, { by, at, page });
      return change.handling === undefined ? undefined : { ...change, timeline };
    },
    `seen-with-${from}-${at}`,
  );
}

const isSameAcknowledgement = ({ handling: one }: IncidentRecord, { handling: other }: IncidentRecord): boolean =>
  one?.acknowledged?.at === other?.acknowledged?.at && one?.acknowledged?.by === other?.acknowledged?.by;
