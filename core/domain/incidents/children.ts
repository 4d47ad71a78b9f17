import type { IncidentRecord, IncidentView } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';

/**
 * Returns the incidents to list individually: children are listed with their parent if that is open and the reader may
 * see it.
 */
export function withoutChildren<T extends { id: IncidentId; parent_id?: IncidentId | undefined }>(
  open: readonly T[],
): T[] {
  const known = new Set(open.map(({ id }) => id));
  return open.filter(({ parent_id }) => parent_id === undefined || !known.has(parent_id));
}

/** Numbers of open child incidents and their alerts, which a person who resolves the parent resolves as well. */
export type OpenChildren = { incidents: number; alerts: number };

type ChildIncidentView = Pick<IncidentRecord, 'status'> & { firing?: number };

export function openChildren(children: readonly { incident: ChildIncidentView }[]): OpenChildren {
  const open = children.map(({ incident }) => incident).filter(({ status }) => status !== 'resolved');
  return { incidents: open.length, alerts: open.reduce((sum, { firing = 0 }) => sum + Math.max(firing, 0), 0) };
}

/** Builds the API view of a parent's children. */
export function childrenView(
  children: readonly { incident: ChildIncidentView }[],
): NonNullable<IncidentView['children']> {
  const { incidents: open, alerts: firing } = openChildren(children);
  return { incidents: children.length, open, firing };
}

/** Says what a person who resolves an incident must know about its firing alerts. Null: none fires. */
export function stillFiringText(firing: number): string | null {
  if (firing <= 0) return null;
  const alerts = firing === 1 ? '1 alert is' : `${firing} alerts are`;
  return `${alerts} still firing. Alerts that keep firing no longer page; alerts that start to fire later do`;
}

/** Describes the open children: `6 child incidents with 8 firing alerts`. Null: none is open. */
export function openChildrenWords({ incidents, alerts }: OpenChildren): string | null {
  if (incidents === 0) return null;
  const incidentsText = incidents === 1 ? '1 child incident' : `${incidents} child incidents`;
  const alertsText = alerts === 0 ? 'no firing alerts' : alerts === 1 ? '1 firing alert' : `${alerts} firing alerts`;
  return `${incidentsText} with ${alertsText}`;
}
