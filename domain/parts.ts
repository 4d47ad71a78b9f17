import type { IncidentRecord, IncidentView } from '../schemas/incident.ts';
import type { IncidentId } from '../schemas/names.ts';

/**
 * Those that are told by themselves: parts are told with their parent, as long as that is among those that are open, and
 * whoever looks may see it.
 */
export function byThemselves<T extends { id: IncidentId; parent_id?: IncidentId | undefined }>(
  open: readonly T[],
): T[] {
  const known = new Set(open.map(({ id }) => id));
  return open.filter(({ parent_id }) => parent_id === undefined || !known.has(parent_id));
}

/** What a person who says that a parent is over says of its parts, too. */
export type OpenParts = { incidents: number; alerts: number };

type Shown = Pick<IncidentRecord, 'status'> & { firing?: number };

export function openParts(parts: readonly { incident: Shown }[]): OpenParts {
  const open = parts.map(({ incident }) => incident).filter(({ status }) => status !== 'resolved');
  return { incidents: open.length, alerts: open.reduce((sum, { firing = 0 }) => sum + Math.max(firing, 0), 0) };
}

/** What the API shows of a parent. */
export function partsView(parts: readonly { incident: Shown }[]): NonNullable<IncidentView['parts']> {
  const { incidents: open, alerts: firing } = openParts(parts);
  return { incidents: parts.length, open, firing };
}

/** `6 incidents that are part of it, in which 8 alerts fire`. Null: none of its parts is open. */
export function openPartsWords({ incidents, alerts }: OpenParts): string | null {
  if (incidents === 0) return null;
  const what = incidents === 1 ? 'one incident that is a part of it' : `${incidents} incidents that are parts of it`;
  const fire = alerts === 0 ? 'no alert fires' : alerts === 1 ? 'one alert fires' : `${alerts} alerts fire`;
  return `${what}, in which ${fire}`;
}
