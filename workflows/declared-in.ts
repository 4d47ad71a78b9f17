import { isHeard } from '../domain/heard.ts';
import type { Deps } from '../domain/ports.ts';
import { placeOf } from '../domain/story.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import { type IncidentId, isFrom, type Severity } from '../schemas/names.ts';
import { wake } from './wake.ts';

type TellDeps = Pick<Deps, 'incidents' | 'decisions' | 'engine'>;

/**
 * `part`: of which part of it somebody has declared this; absent: of itself. `key`: what tells it from all else that was
 * declared there.
 */
type Declaration = { key: string; by: string; title: string; severity: Severity; part?: IncidentRecord };

/**
 * Tells an incident that is open what a person has declared there: once each, however often it is sent. It is as severe
 * as they say, and rings where nobody would hear of it otherwise: what rings already for that severity does not ring
 * twice. From then on a person says when it is over; a parent goes on for as long as the part of which it was said.
 *
 * @returns false: it is over
 */
export function tellDeclared(deps: TellDeps, id: IncidentId, { title, ...said }: Declaration): Promise<boolean> {
  const { severity, part } = said;
  const where = part === undefined ? ', while it was open already' : ` of ${placeOf(part)}, which is a part of it`;
  const text = `Declared${where}: ${title} (${severity})`;
  return tell(deps, id, { ...said, part, kind: 'incident.declared', text });
}

/** Tells a parent that a person has called a part of it critical, which would have rung by itself. */
export function tellRaised(deps: TellDeps, id: IncidentId, by: string, part: IncidentRecord): Promise<boolean> {
  const text = `Changed severity of ${placeOf(part)}, which is a part of it, to critical`;
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

async function tell(deps: TellDeps, id: IncidentId, said: Said): Promise<boolean> {
  const { key, by, severity, part, kind, text } = said;
  const incident = await deps.incidents.read(id);
  if (incident === undefined || incident.status === 'resolved') return false;
  const about = part === undefined ? {} : { part: part.id };
  const rings = severity === 'critical' && (incident.severity !== 'critical' || isHeard(incident) || !isOpen(incident));
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
 * People are where the parent is: whoever has command of what was declared as a part of it has it there, too, as long
 * as nobody else has. Safe to repeat.
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
              text: `${commander.shown} has command, as of ${placeOf(part)}, which is a part of it`,
              detail: { role: 'commander', to: commander.name },
            },
          }
        : undefined,
    `commander-of-${part.id}`,
  );
}
