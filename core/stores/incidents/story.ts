import { decidingOf, mayDecide, parentOfDependency, shownParent } from '../../domain/incidents/deciding-incident.ts';
import { groupNow } from '../../domain/incidents/group-now.ts';
import { childOf } from '../../domain/incidents/lifecycle.ts';
import type { Mute } from '../../domain/alerts/routing.ts';
import type { Deciding, Overview, Story } from '../../domain/messages/story.ts';
import { type IncidentRecord, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { StoredDecision, StoredEffect } from '../../../schemas/incidents/stored-records.ts';
import { childIncidentsOf, childrenOf } from './incident-groups.ts';
import { listedSignalIn } from '../alerts/admit.ts';
import { keys } from '../../stores/keys.ts';
import { incidentRecordOf } from '../../stores/record.ts';
import { collect, type Table } from '../../stores/table.ts';
import { waitingQuestions } from './waiting-questions.ts';

/** Enough to name the alerts; the rest is counted. */
const SIGNALS_READ = 40;
const CHILDREN_READ = 50;

/** The rest comes with the next read. */
const ENTRIES_READ = 300;

/**
 * Reads everything that is shown of an incident. Each part is strongly consistent by itself; a change in between marks
 * the incident again.
 */
export async function storyOf(table: Table, id: IncidentId, after: string | null): Promise<Story | undefined> {
  const [overview, timeline] = await Promise.all([
    overviewOf(table, id),
    collect(
      table.each(keys.incident(id).pk, {
        prefix: 'TL#',
        limit: ENTRIES_READ,
        ...(after !== null && { after, goesOn: true }),
      }),
      (row) => ({ position: String(row['sk']), entry: TimelineEntry.parse({ detail: null, ...row }) }),
    ),
  ]);
  return overview && { ...overview, timeline };
}

/** Reads the same without the timeline: a busy incident has thousands of entries. */
export async function overviewOf(table: Table, id: IncidentId): Promise<Overview | undefined> {
  const { pk } = keys.incident(id);
  const [item, { decisions, effects }, signals] = await Promise.all([
    table.get(keys.incident(id)),
    decidingParts(table, id),
    collect(table.each(pk, { prefix: 'SIG#', limit: SIGNALS_READ }), (row) => ({
      ...listedSignalIn(row),
      ...(row['mute'] !== undefined && { mute: row['mute'] as Mute }),
    })),
  ]);
  if (item === undefined) return undefined;
  const incident = incidentRecordOf(item);
  const [children, parent] = await Promise.all([
    incident.group_reason === undefined ? [] : childrenOf(table, id),
    incident.parent_id === undefined ? undefined : table.get(keys.incident(incident.parent_id)),
  ]);
  const parentRecord = parent && incidentRecordOf(parent);
  const group = parentOfDependency(incident, parentRecord);
  const members = group && (await childIncidentsOf(table, group.id)).map((child) => child.incident);
  const shown = await readChildren(table, children.slice(-CHILDREN_READ));
  const asking = await askingOf(table, shown);
  const deciding = group ? await decidingIn(table, group, members ?? []) : await firstAsking(table, asking);
  return {
    incident,
    decisions,
    effects,
    signals: signals.toSorted((a, b) => Number(a.status === 'resolved') - Number(b.status === 'resolved')),
    children: shown.toSorted(byNeed).map((one) => ({ ...childOf(one), ...(asking.includes(one) && { asks: true }) })),
    childCount: children.length,
    parent: parentRecord === undefined ? null : shownParent(parentRecord),
    ...(deciding && { deciding }),
    ...(group?.group_reason && { group: groupNow(group.group_reason, members ?? []) }),
  };
}

/** Reads the decisions and effects of an incident, oldest first. */
async function decidingParts(table: Table, id: IncidentId): Promise<Omit<Deciding, 'incident'>> {
  const { pk } = keys.incident(id);
  const [decisions, effects] = await Promise.all([
    collect(table.each(pk, { prefix: 'DEC#' }), (row) => StoredDecision.parse(row)),
    collect(table.each(pk, { prefix: 'EFF#' }), (row) => StoredEffect.parse(row)),
  ]);
  return { decisions, effects: effects.toSorted((a, b) => (a.at < b.at ? -1 : 1)) };
}

/** Returns the incident that decides for the group of a dependency. */
async function decidingIn(
  table: Table,
  parent: IncidentRecord,
  children: readonly IncidentRecord[],
): Promise<Deciding | undefined> {
  const members = await Promise.all(
    mayDecide(children, parent).map(async (incident) => ({ incident, ...(await decidingParts(table, incident.id)) })),
  );
  return decidingOf(members, parent);
}

/** Returns the incidents of a group that wait for approval. While automation is paused, an answer would have no effect. */
async function askingOf(table: Table, children: readonly IncidentRecord[]): Promise<IncidentRecord[]> {
  const questions = await waitingQuestions(table, children);
  return children.filter(
    ({ id, status, automation_paused: isPaused }) => questions.has(id) && status !== 'resolved' && !isPaused,
  );
}

async function firstAsking(table: Table, [first]: readonly IncidentRecord[]): Promise<Deciding | undefined> {
  return first && { incident: first, ...(await decidingParts(table, first.id)) };
}

/** Open incidents before resolved ones, the newest first. */
const byNeed = (a: IncidentRecord, b: IncidentRecord): number =>
  Number(a.status === 'resolved') - Number(b.status === 'resolved') || (a.id < b.id ? 1 : -1);

async function readChildren(table: Table, ids: readonly IncidentId[]): Promise<IncidentRecord[]> {
  const items = await table.getAll(ids.map((id) => keys.incident(id)));
  return items.flatMap((item) => (item === undefined ? [] : [incidentRecordOf(item)]));
}
