import { dependenciesOf, dependentsOf } from '../../core/domain/catalogue/dependencies.ts';
import { mayStillFail, stillFails } from '../../core/domain/incidents/group-now.ts';
import {
  isFlapping,
  FLAPPING_WITHIN_SECONDS,
  mayBeGrouped,
  openedAround,
  type GroupReason,
  type Opening,
  canJoinMany,
  groupingOf,
  relatedTo,
  timeAround,
} from '../../core/domain/incidents/incident-group.ts';
import { laterStart } from '../../core/domain/incidents/new-onset.ts';
import { incidentName } from '../../core/domain/incidents/incident-number.ts';
import { isQuietTrial } from '../../core/domain/automation/shadow-trial.ts';
import { list } from '../../core/domain/correlation/words.ts';
import { needsPage } from '../../core/domain/paging/pages.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import { type EnvironmentName, type IncidentId, isAtLeast, type ServiceName } from '../../schemas/config/names.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import { giveCommandOfParent, notifyDeclared } from '../declaration.ts';
import { wake } from '../wake.ts';
import { noteDependencies } from './problem-known.ts';
import { withdrawQuestion } from './withdraw-questions.ts';

type GroupDeps = Pick<Deps, 'clock' | 'config' | 'incidentGroups' | 'incidents' | 'decisions' | 'engine' | 'log'>;

const NAMES_IN_A_TITLE = 4;

type GroupCheck = { incident: IncidentRecord; flapping: boolean };

/**
 * Adds a new incident, or one with a new problem, to its incident group, if there is one, before the first page: then only the parent pages, once.
 * Also detects whether the incident's alert flaps.
 *
 * @param at start of the problem that is compared with those of others
 */
export async function joinGroup(
  deps: GroupDeps,
  incident: IncidentRecord,
  at: Timestamp = incident.opened_at,
): Promise<GroupCheck> {
  const check = await checkOpenings(deps, incident, at);
  // Done here and not where the incident was opened, because the opening process may have died before this point.
  const { parent_id: parent } = check.incident;
  if (parent !== undefined) {
    await notifyDeclaredChildren(deps, check.incident, parent);
    await takeOverQuestions(deps, check.incident, parent);
    await wake(deps, parent);
  }
  return check;
}

/**
 * Withdraws the questions of other incidents of a dependency's group about this incident's service, which decides itself.
 * Those incidents are judged again. Safe to repeat.
 */
async function takeOverQuestions(deps: GroupDeps, joined: IncidentRecord, parentId: IncidentId): Promise<void> {
  if (!joined.requests_rollback) return;
  if ((await deps.incidents.read(parentId))?.group_reason?.because !== 'shared_dependency') return;
  for (const { incident: other } of await deps.incidentGroups.children(parentId)) {
    if (other.id === joined.id || other.status === 'resolved') continue;
    for (const decision of (await deps.incidents.view(other.id))?.decisions ?? []) {
      const { state, question, target } = decision;
      if (state !== 'waiting' || question !== undefined || target?.service !== joined.service) continue;
      const because = `incident ${incidentName(joined)} of ${joined.service} decides about this service`;
      await withdrawQuestion(deps, other.id, decision, { by: 'firebreak', because });
      await deps.incidents.post(other.id, { kind: 'judge_again', changes: [] }, {}, `decided-in-${joined.id}`);
      await wake(deps, other.id);
    }
  }
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
async function checkOpenings(deps: GroupDeps, incident: IncidentRecord, at: Timestamp): Promise<GroupCheck> {
  if (incident.group_reason !== undefined) return { incident, flapping: false };
  for (let attempt = 1; ; attempt += 1)
    try {
      return await compareOpenings(deps, incident, at);
    } catch (error) {
      if (attempt < ATTEMPTS) continue;
      deps.log.error('Other open incidents could not be read; the incident continues without a group', {
        incident: incident.id,
        error: String(error),
      });
      return { incident, flapping: false };
    }
}

async function compareOpenings(deps: GroupDeps, incident: IncidentRecord, at: Timestamp): Promise<GroupCheck> {
  const { service, environment, opened_at: openedAt, parent_id: joined } = incident;
  const [opening, openings, parent] = await Promise.all([
    deps.incidentGroups.opening(incident),
    deps.incidentGroups.openingsOf(service, plusSeconds(openedAt, -FLAPPING_WITHIN_SECONDS)),
    joined === undefined ? deps.incidentGroups.parentIn(environment) : undefined,
  ]);
  if (opening === undefined) return { incident, flapping: false };
  const flapping = isFlapping(opening, openings);
  if (joined !== undefined) return { incident, flapping };
  const id = await parentFor(deps, incident, { ...opening, at }, parent);
  return { incident: id === undefined ? incident : { ...incident, parent_id: id }, flapping };
}

/** @param opened with the start of the present problem @param open the open parent of many in its environment */
async function parentFor(
  deps: GroupDeps,
  incident: IncidentRecord,
  opened: Opening,
  open: Awaited<ReturnType<GroupDeps['incidentGroups']['parentIn']>>,
): Promise<IncidentId | undefined> {
  const config = await deps.config.current();
  const { services, routes } = config;
  const { manyAtOnce: policy } = routes;
  if (open !== undefined && canJoinMany(open.lastJoinedAt, opened, policy))
    return (await deps.incidentGroups.join(open.incident.id, opened.id)) === 'joined' ? open.incident.id : undefined;
  if (!mayBeGrouped(opened, policy)) return undefined;
  const [openings, anew] = await Promise.all([
    deps.incidentGroups.newestOpenings(timeAround(opened.at, policy)),
    failingAnew(deps, services, opened),
  ]);
  const known = new Set([opened, ...anew].map(({ id }) => id));
  const others = openings.filter(({ id }) => !known.has(id));
  const near = openedAround(opened, [...anew, ...others, opened], policy);
  const [othersFailing, mitigated] = await Promise.all([
    deps.incidentGroups.stillFailing(near.filter(({ id }) => id !== opened.id)),
    unprovenOf(deps, near.filter(relatedTo(opened, services))),
  ]);
  const isFailing = stillFails(incident, secondsBetween(opened.at, deps.clock.now()));
  const failingIds = new Set([...othersFailing, ...(isFailing ? [opened] : [])].map(({ id }) => id));
  const failing = near.filter(({ id }) => failingIds.has(id));
  const group = groupingOf(opened, failing, services, policy, {
    mitigated: mitigated.filter(({ id }) => !failingIds.has(id)),
    isQuiet: (one) => {
      const other = { ...one, environment: one.environment as EnvironmentName };
      return isQuietTrial(other, config, 'page') || isQuietTrial(other, config, 'channel');
    },
  });
  // The open parent of many is of an event that is over.
  if (group.kind === 'alone' || (group.reason.because === 'many' && open !== undefined)) return undefined;
  const parent = await parentOf(deps, opened, group, incident.trace);
  for (const member of group.members)
    if (member.id !== opened.id) {
      await deps.incidentGroups.join(parent, member.id);
      // It may have been judged before its dependency failed.
      await noteDependencies(deps, { ...member, environment: incident.environment });
    }
  if ((await deps.incidentGroups.join(parent, opened.id)) === 'joined') return parent;
  await wake(deps, parent);
  return undefined;
}

/** Number of incidents of dependencies and dependents that are read. */
const RELATED_READ = 20;

/** Returns open incidents of dependencies and dependents that had opened before, each with the start of its present problem. */
async function failingAnew(
  { incidents, incidentGroups }: Pick<Deps, 'incidents' | 'incidentGroups'>,
  services: Config['services'],
  { service, environment }: Opening,
): Promise<Opening[]> {
  const dependencies = dependenciesOf(services, service).map((one) => one.service);
  const related = [...dependencies, ...dependentsOf(services, service)].slice(0, RELATED_READ);
  const found = await Promise.all(
    related.map(async (name) => {
      const open = await incidents.openAt({
        service: name as ServiceName,
        environment: environment as EnvironmentName,
      });
      const at = open && laterStart(open);
      const opening = at && (await incidentGroups.opening(open));
      return opening ? { ...opening, at } : [];
    }),
  );
  return found.flat();
}

/** Returns the incidents that may still fail, although they were mitigated. */
async function unprovenOf({ incidents }: Pick<Deps, 'incidents'>, openings: readonly Opening[]): Promise<Opening[]> {
  const newest = openings.slice(-RELATED_READ);
  const records = await Promise.all(newest.map(({ id }) => incidents.read(id)));
  return newest.filter((_, n) => records[n] !== undefined && mayStillFail(records[n]));
}

/** Returns the title of a group, which is true also when others have joined, and after its end. */
function titleOfGroup({ because, name }: GroupReason, members: readonly Opening[]): string {
  const names = [...new Set(members.map(({ service }) => service))].toSorted();
  if (because === 'many') return `failures of several services, among them ${list(names.slice(0, NAMES_IN_A_TITLE))}`;
  const ofItself = names.some((service) => service === name) ? `${name} and of ` : '';
  return `failures of ${ofItself}services that depend on ${ofItself === '' ? name : 'it'}`;
}

/** Returns the open parent of the group, which one of its members may have already, or opens one. */
async function parentOf(
  { incidents, incidentGroups }: Pick<Deps, 'incidents' | 'incidentGroups'>,
  { environment }: Opening,
  { reason, members }: Extract<ReturnType<typeof groupingOf>, { kind: 'together' }>,
  trace: string,
): Promise<IncidentId> {
  const title = titleOfGroup(reason, members);
  if (reason.because === 'many') return incidentGroups.openParent(environment, reason, title, trace);
  const records = await Promise.all(members.slice(-RELATED_READ).map(({ id }) => incidents.read(id)));
  const known = records.flatMap((record) => record ?? []);
  for (const id of new Set(known.flatMap(({ parent_id }) => parent_id ?? [])))
    if ((await incidents.read(id))?.status !== 'resolved') return id;
  const worst = known.find(({ severity }) => known.every((other) => isAtLeast(other.severity, severity)));
  return incidentGroups.openParent(environment, reason, title, trace, {
    severity: worst?.severity ?? 'critical',
    page: known.length === 0 || known.some(needsPage),
  });
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
