import type { ComputeOf } from '../../manifest.ts';
import { withPorts } from '../ports.ts';
import type { POSTMORTEMS, Row } from '../reports.ts';

const ROWS_MAX = 30;

/** Reads one page. Those that are due are all on the first one. */
export const list: ComputeOf<typeof POSTMORTEMS> = async (core, { isDue, from }, may) => {
  const deps = withPorts(core);
  if (isDue) {
    const records = await deps.postmortems.unpublished();
    const rows = await Promise.all(
      records.map(async (record): Promise<Row[]> => {
        const incident = await deps.incidents.read(record.incident_id);
        return incident !== undefined && may('incidents:read', incident) ? [{ incident, record }] : [];
      }),
    );
    return { rows: rows.flat().toSorted((a, b) => (a.incident.id < b.incident.id ? 1 : -1)), older: null };
  }
  const { items, next_cursor: older } = await deps.incidents.search({
    state: 'resolved',
    limit: ROWS_MAX,
    cursor: from ?? undefined,
    // A child is described in the post-mortem of its parent.
    matches: (incident) => incident.parent_id === undefined && may('incidents:read', incident),
  });
  const rows = await Promise.all(
    items.map(async (incident) => ({
      incident,
      record: (await deps.postmortems.read(incident.id))?.record ?? null,
    })),
  );
  return { rows, older };
};
