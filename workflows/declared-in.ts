import { isAcknowledged } from '../domain/paging/acknowledgement.ts';
import type { Deps } from '../domain/ports/deps.ts';
import { placeOf } from '../domain/messages/story.ts';
import type { IncidentRecord } from '../schemas/incidents/incident.ts';
import { type IncidentId, isFrom, type Severity } from '../schemas/config/names.ts';
import { wake } from './wake.ts';

type TellDeps = Pick<Deps, 'incidents' | 'decisions' | 'engine'>;

/**
 * `part`: the child incident that the declaration is about; absent if it is about the incident itself. `key`: identifies
 * the declaration within the incident.
 */
type Declaration = { key: string; by: string; title: string; severity: Severity; part?: IncidentRecord };

/**
 * Adds a person's declaration to an open incident; a repeat with the same key has no effect. Raises the severity if the
 * declaration is more severe, and pages unless a page of that severity is already waiting for acknowledgement. From then
 * on, a person must resolve the incident; a parent stays open as long as the declared child incident.
 *
 * @returns false if the incident is resolved
 */
export function notifyDeclared(deps: TellDeps, id: IncidentId, { title, ...said }: Declaration): Promise<boolean> {
  const { severity, part } = said;
  const where = part === undefined ? ' while it was already open' : ` for the child incident ${placeOf(part)}`;
  const text = `Declared${where}: ${title} (${severity})`;
  return tell(deps, id, { ...said, part, kind: 'incident.declared', text });
}

/** Tells a parent that a person has raised a child incident to critical. Without a parent, the child would page itself. */
export function notifyRaised(deps: TellDeps, id: IncidentId, by: string, part: IncidentRecord): Promise<boolean> {
  const text = `Changed severity of the child incident ${placeOf(part)} to critical`;
  return tell(deps, id, {
    key: `raised-${part.id}-${part.seq}`,
    by,
    severity: 'critical',
    part,
    kind: 'incident.changed',
    text,
  });
}

type Said = Omit<Declaration, 'title' | 'part'> & { part: IncidentRecord | undefined; kind: string; text: string };

async function tell(deps: TellDeps, id: IncidentId, result: Said): Promise<boolean> {
  const { key, by, severity, part, kind, text } = result;
  const incident = await deps.incidents.read(id);
  if (incident === undefined || incident.status === 'resolved') return false;
  const about = part === undefined ? {} : { part: part.id };
  const rings =
    severity === 'critical' && (incident.severity !== 'critical' || isAcknowledged(incident) || !isOpen(incident));
  const timeline = { actor: by, kind, text, detail: part === undefined ? null : about };
  const posted = await deps.incidents.post(
    id,
    { kind: 'declared', severity, by, rings, ...about },
    ({ severity: was }) => ({
      ...(part === undefined && { byHand: true }),
      severity: isFrom(severity, was) ? was : severity,
      timeline,
    }),
    key,
  );
  if (posted) await wake(deps, id);
  return posted;
}

const isOpen = ({ status }: Pick<IncidentRecord, 'status'>): boolean => status === 'open' || status === 'mitigating';

/**
 * Gives the commander of a declared child incident command of its parent, because responders work in the parent. Keeps
 * the parent's commander if it has one. Safe to repeat.
 */
export async function commandsParent({ incidents }: Pick<Deps, 'incidents'>, partId: IncidentId): Promise<void> {
  const part = await incidents.read(partId);
  const commander = part?.roles?.commander;
  if (part?.parent_id === undefined || part.by_hand !== true || commander === undefined) return;
  await incidents.amend(
    part.parent_id,
    ({ roles }) =>
      roles?.commander === undefined
        ? {
            roles: { commander },
            timeline: {
              actor: 'firebreak',
              kind: 'role.assigned',
              text: `${commander.shown} has command, as commander of the child incident ${placeOf(part)}`,
              detail: { role: 'commander', to: commander.name },
            },
          }
        : undefined,
    `commander-of-${part.id}`,
  );
}
