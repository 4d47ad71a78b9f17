import {
  isFlapping,
  FLAPPING_WITHIN_SECONDS,
  type Opening,
  canJoinGroup,
  groupingOf,
} from '../../domain/incidents/incident-group.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import { giveCommandOfParent, notifyDeclared } from '../declaration.ts';
import { wake } from '../wake.ts';

type GroupDeps = Pick<Deps, 'config' | 'incidentGroups' | 'incidents' | 'decisions' | 'engine' | 'log'>;

const NAMES_IN_A_TITLE = 4;

type GroupCheck = { incident: IncidentRecord; flapping: boolean };

/**
 * Adds a new incident to its incident group, if there is one, before the first page: then only the parent pages, once.
 * Also detects whether the incident's alert flaps.
 */
export async function joinGroup(deps: GroupDeps, incident: IncidentRecord): Promise<GroupCheck> {
  const check = await checkOpenings(deps, incident);
  // Done here and not where the incident was opened, because the opening process may have died before this point.
  const { parent_id: parent } = check.incident;
  if (parent !== undefined) {
    await notifyDeclaredChildren(deps, check.incident, parent);
    await wake(deps, parent);
  }
  return check;
}

/** Adds a declared child incident to the parent's timeline, and pages. An alert that joins does neither. */
async function notifyDeclaredChildren(deps: GroupDeps, child: IncidentRecord, parent: IncidentId): Promise<void> {
  const { id, opened_by: by, title, severity } = child;
  if (by === undefined) return; // a later declaration notifies the parent itself
  await notifyDeclared(deps, parent, { key: `declared-${id}`, by, title, severity, child });
  await giveCommandOfParent(deps, id);
}

/**
 * Attempts to find the group. In a storm, some reads time out, and each incident without its group would page. Without pauses,
 * because an attempt that times out takes seconds.
 */
const ATTEMPTS = 3;

/** Continues without a group when reading other incidents fails repeatedly, so that the page is not delayed. */
async function checkOpenings(deps: GroupDeps, incident: IncidentRecord): Promise<GroupCheck> {
  if (incident.group_reason !== undefined) return { incident, flapping: false };
  for (let attempt = 1; ; attempt += 1)
    try {
      return await compareOpenings(deps, incident);
    } catch (error) {
      if (attempt < ATTEMPTS) continue;
      deps.log.error('Other open incidents could not be read; the incident continues without a group', {
        incident: incident.id,
        error: String(error),
      });
      return { incident, flapping: false };
    }
}

async function compareOpenings(deps: GroupDeps, incident: IncidentRecord): Promise<GroupCheck> {
  const recent = await deps.incidentGroups.openedSince(plusSeconds(incident.opened_at, -FLAPPING_WITHIN_SECONDS));
  const opened = recent.find(({ id }) => id === incident.id);
  if (opened === undefined) return { incident, flapping: false };
  const flapping = isFlapping(opened, recent);
  if (incident.parent_id !== undefined) return { incident, flapping };
  const parent = await parentFor(deps, opened, recent, incident.trace);
  return { incident: parent === undefined ? incident : { ...incident, parent_id: parent }, flapping };
}

async function parentFor(
  deps: GroupDeps,
  opened: Opening,
  recent: readonly Opening[],
  trace: string,
): Promise<IncidentId | undefined> {
  const { services, routes } = await deps.config.current();
  const open = await deps.incidentGroups.parentIn(opened.environment);
  if (open?.incident.group_reason !== undefined) {
    const { id, group_reason: reason } = open.incident;
    if (!canJoinGroup(reason, open.lastJoinedAt, opened, services, routes.manyAtOnce)) return undefined;
    return (await deps.incidentGroups.join(id, opened.id)) === 'joined' ? id : undefined;
  }
  const since = plusSeconds(opened.at, -routes.manyAtOnce.minutes * 60);
  const failing = await deps.incidentGroups.stillFailing(
    recent.filter(({ at, unmatched }) => at > since && unmatched === null),
  );
  const group = groupingOf(opened, failing, services, routes.manyAtOnce);
  if (group.kind === 'alone') return undefined;
  const names = [...new Set(group.members.map(({ service }) => service))].toSorted();
  const more = names.length - NAMES_IN_A_TITLE;
  const title = `${group.reason.text}: ${names.slice(0, NAMES_IN_A_TITLE).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const parent = await deps.incidentGroups.openParent(
    opened.environment,
    group.reason,
    group.reason.because === 'many' ? title : group.reason.text,
    trace,
  );
  for (const member of group.members) if (member.id !== opened.id) await deps.incidentGroups.join(parent, member.id);
  if ((await deps.incidentGroups.join(parent, opened.id)) === 'joined') return parent;
  await wake(deps, parent);
  return undefined;
}

/** Removes a resolved incident from its group. Wakes the parent, which may be over, too. */
export async function leaveGroup(
  deps: Pick<GroupDeps, 'incidents' | 'incidentGroups' | 'engine'>,
  id: IncidentId,
): Promise<void> {
  const incident = await deps.incidents.read(id);
  if (incident?.parent_id === undefined) return;
  const parent = await deps.incidentGroups.childEnded(incident.parent_id, id);
  const callback = parent?.callbacks['inbox'];
  if (callback !== undefined && parent !== undefined && parent.status !== 'resolved')
    await deps.engine.completeCallback(callback);
}
