import { isAcknowledged } from '../core/domain/paging/acknowledgement.ts';
import type { Deps } from '../core/domain/ports/deps.ts';
import { serviceEnvironmentText } from '../core/domain/messages/story.ts';
import type { IncidentRecord } from '../schemas/incidents/incident.ts';
import { type IncidentId, isAtLeast, type Severity } from '../schemas/config/names.ts';
import { wake } from './wake.ts';

type DeclarationDeps = Pick<Deps, 'incidents' | 'decisions' | 'engine'>;

/**
 * `child`: the child incident that the declaration is about; absent if it is about the incident itself. `key`: identifies
 * the declaration within the incident.
 */
type Declaration = { key: string; by: string; title: string; severity: Severity; child?: IncidentRecord };

/**
 * Adds a person's declaration to an open incident; a repeat with the same key has no effect. Raises the severity if the
 * declaration is more severe, and pages unless a page of that severity is already waiting for acknowledgement. From then
 * on, a person must resolve the incident; a parent stays open as long as the declared child incident.
 *
 * @returns false if the incident is resolved
 */
export function notifyDeclared(
  deps: DeclarationDeps,
  id: IncidentId,
  { title, ...request }: Declaration,
): Promise<boolean> {
  const { severity, child } = request;
  const where =
    child === undefined ? ' while it was already open' : ` for the child incident ${serviceEnvironmentText(child)}`;
  const text = `Declared${where}: ${title} (${severity})`;
  return postDeclaration(deps, id, { ...request, child, kind: 'incident.declared', text });
}

/** Tells a parent that a person has raised a child incident to critical. Without a parent, the child would page itself. */
export function notifyRaised(
  deps: DeclarationDeps,
  id: IncidentId,
  by: string,
  child: IncidentRecord,
): Promise<boolean> {
  const text = `Changed severity of the child incident ${serviceEnvironmentText(child)} to critical`;
  return postDeclaration(deps, id, {
    key: `raised-${child.id}-${child.seq}`,
    by,
    severity: 'critical',
    child,
    kind: 'incident.changed',
    text,
  });
}

type PostedDeclaration = Omit<Declaration, 'title' | 'child'> & {
  child: IncidentRecord | undefined;
  kind: string;
  text: string;
};

async function postDeclaration(
  deps: DeclarationDeps,
  id: IncidentId,
  declaration: PostedDeclaration,
): Promise<boolean> {
  const { key, by, severity, child, kind, text } = declaration;
  const incident = await deps.incidents.read(id);
  if (incident === undefined || incident.status === 'resolved') return false;
  const about = child === undefined ? {} : { child: child.id };
  const page =
    severity === 'critical' && (incident.severity !== 'critical' || isAcknowledged(incident) || !isOpen(incident));
  const timeline = { actor: by, kind, text, detail: child === undefined ? null : about };
  const posted = await deps.incidents.post(
    id,
    { kind: 'declared', severity, by, page, ...about },
    ({ severity: was }) => ({
      ...(child === undefined && { byHand: true }),
      severity: isAtLeast(severity, was) ? was : severity,
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
export async function giveCommandOfParent({ incidents }: Pick<Deps, 'incidents'>, childId: IncidentId): Promise<void> {
  const child = await incidents.read(childId);
  const commander = child?.roles?.commander;
  if (child?.parent_id === undefined || child.by_hand !== true || commander === undefined) return;
  await incidents.amend(
    child.parent_id,
    ({ roles }) =>
      roles?.commander === undefined
        ? {
            roles: { commander },
            timeline: {
              actor: 'firebreak',
              kind: 'role.assigned',
              text: `${commander.shown} has command, as commander of the child incident ${serviceEnvironmentText(child)}`,
              detail: { role: 'commander', to: commander.name },
            },
          }
        : undefined,
    `commander-of-${child.id}`,
  );
}
