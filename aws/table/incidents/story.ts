import { childOf } from '../../../domain/incidents/lifecycle.ts';
import type { Mute } from '../../../domain/alerts/routing.ts';
import type { Child, Overview, Story } from '../../../domain/messages/story.ts';
import { TimelineEntry } from '../../../schemas/incidents/incident.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import {
  StoredDecision,
  StoredEffect,
  StoredIncident,
  StoredSignal,
} from '../../../schemas/incidents/stored-records.ts';
import { childrenOf } from './incident-groups.ts';
import { keys } from '../core/keys.ts';
import { incidentRecordOf } from '../core/record.ts';
import { collect, type Table } from '../core/table.ts';

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
      table.each(keys.incident(id).pk, 'TL#', { limit: ENTRIES_READ, ...(after !== null && { after }) }),
      (row) => ({ position: String(row['sk']), entry: TimelineEntry.parse({ detail: null, ...row }) }),
    ),
  ]);
  return overview && { ...overview, timeline };
}

/** Reads the same without the timeline: a busy incident has thousands of entries. */
export async function overviewOf(table: Table, id: IncidentId): Promise<Overview | undefined> {
  const { pk } = keys.incident(id);
  const item = await table.get(keys.incident(id));
  if (item === undefined) return undefined;
  const incident = incidentRecordOf(item);
  const [decisions, effects, signals, children, parent] = await Promise.all([
    collect(table.each(pk, 'DEC#'), (row) => StoredDecision.parse(row)),
    collect(table.each(pk, 'EFF#'), (row) => StoredEffect.parse(row)),
    collect(table.each(pk, 'SIG#', { limit: SIGNALS_READ }), (row) => ({
      ...StoredSignal.parse(row),
      ...(row['mute'] !== undefined && { mute: row['mute'] as Mute }),
    })),
    incident.group_reason === undefined ? [] : childrenOf(table, id),
    incident.parent_id === undefined ? undefined : table.get(keys.incident(incident.parent_id)),
  ]);
  return {
    incident,
    decisions,
    effects: effects.toSorted((a, b) => (a.at < b.at ? -1 : 1)),
    signals: signals.toSorted((a, b) => Number(a.status === 'resolved') - Number(b.status === 'resolved')),
    children: await readChildren(table, children.slice(0, CHILDREN_READ)),
    childCount: children.length,
    parent: parent ? { id: IncidentId.parse(parent['id']), channel: channelOf(parent['channel']) } : null,
  };
}

const channelOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

async function readChildren(table: Table, ids: readonly IncidentId[]): Promise<Child[]> {
  const items = await table.getAll(ids.map((id) => keys.incident(id)));
  return items.flatMap((item) => (item === undefined ? [] : [childOf(StoredIncident.parse(item))]));
}
