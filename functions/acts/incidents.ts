import { hash } from 'node:crypto';
import type { Deps } from '../../domain/ports.ts';
import type { IncidentRecord, IncidentView, TimelineEntry } from '../../schemas/incident.ts';
import { type EnvironmentName, type IncidentId, isFrom, type ServiceName, type Severity } from '../../schemas/names.ts';
import { isHeard } from '../../domain/heard.ts';
import { wake } from '../../workflows/wake.ts';
import { resolved, view } from './incident-view.ts';
import { askWhoIsOnCall } from './on-call-commander.ts';
import type { Who } from './who.ts';

type ActDeps = Pick<Deps, 'incidents' | 'engine' | 'decisions' | 'clock'>;
type DeclareDeps = ActDeps & Pick<Deps, 'people' | 'config' | 'log'>;

export type Declared = {
  service: ServiceName;
  environment: EnvironmentName;
  title: string;
  severity: Severity;
  trace: string;
  /** It is none of several that fail at once: nobody says that it fails. */
  alone?: true;
};

/**
 * Opens an incident by hand, or gives the one that is open there. Whoever is on call gets command of a new one, as soon
 * as it is known who that is: nobody waits for that.
 * @throws Refusal 403
 */
export async function opened(
  deps: DeclareDeps,
  who: Who,
  input: Declared,
): Promise<{ incident: IncidentView; created: boolean }> {
  who.allow('incidents:write', input);
  const { id, created: isNew } = await deps.incidents.declare({ ...input, by: who.name });
  const created = isNew || (await wasOpenedBy(deps, id, input));
  await wake(deps, id);
  if (created) await saidBy(deps, who, id);
  if (created) await askWhoIsOnCall(deps, id, input);
  return { incident: await view(deps, id), created };
}

/** What was interrupted and comes again finds what it has opened itself; the rest of it is still to be done. */
async function wasOpenedBy({ incidents }: ActDeps, id: IncidentId, { trace, title }: Declared): Promise<boolean> {
  const incident = await incidents.read(id);
  return incident?.by_hand === true && incident.trace === trace && incident.title === title;
}

/**
 * As `opened`. One that is open there already is told: what was seen is on its timeline, and it is at least as severe as
 * they say.
 * @throws Refusal 403
 */
export async function declare(
  deps: DeclareDeps,
  who: Who,
  input: Declared,
): Promise<{ incident: IncidentView; created: boolean }> {
  const found = await opened(deps, who, input);
  if (found.created) return found;
  // It has closed meanwhile: what is declared now is another one.
  if (!(await toldAgain(deps, who, found.incident.id, input))) return opened(deps, who, input);
  return { incident: await view(deps, found.incident.id), created: false };
}

/**
 * Each of what somebody says of it once, however often it is sent. From then on a person says when it is over. What
 * rings already for that severity does not ring twice. False: it is over.
 */
async function toldAgain(deps: ActDeps, who: Who, id: IncidentId, { title, severity }: Declared): Promise<boolean> {
  const { name: by } = who;
  const incident = await deps.incidents.read(id);
  if (incident === undefined || incident.status === 'resolved') return false;
  const key = `declared-${hash('sha256', JSON.stringify([by, title, severity])).slice(0, 32)}`;
  const rings = severity === 'critical' && (incident.severity !== 'critical' || isHeard(incident) || !isOpen(incident));
  const text = `Declared, while it was open already: ${title} (${severity})`;
  const timeline = { actor: by, kind: 'incident.declared', text, detail: null };
  const said = await deps.incidents.post(
    id,
    { kind: 'declared', severity, by, rings },
    ({ severity: was }) => ({ byHand: true, severity: isFrom(severity, was) ? was : severity, timeline }),
    key,
  );
  if (said) await wake(deps, id);
  return said;
}

const isOpen = ({ status }: Pick<IncidentRecord, 'status'>): boolean => status === 'open' || status === 'mitigating';

/**
 * Corrects what is said of it.
 *
 * @param key under which the correction is taken once; absent: each time
 * @returns the incident as it is now
 * @throws Refusal 403, 404, 409
 */
export async function correct(
  deps: ActDeps,
  who: Who,
  { id, title, severity, key }: { id: IncidentId; title?: string; severity?: Severity; key?: string },
): Promise<IncidentView> {
  const incident = await view(deps, id);
  who.allow('incidents:write', incident);
  const changed = [title && `title to ${title}`, severity && `severity to ${severity}`].filter(Boolean).join(', ');
  const text = `Changed ${changed || 'nothing'}`;
  const posted = await deps.incidents.post(
    id,
    { kind: 'severity', severity: severity ?? incident.severity, by: who.name },
    {
      ...(title && { title }),
      ...(severity && { severity }),
      timeline: { actor: who.name, kind: 'incident.changed', text, detail: null },
    },
    key,
  );
  if (!posted) throw resolved(id);
  if (severity !== undefined) await saidBy(deps, who, id);
  await wake(deps, id);
  return view(deps, id);
}

/** A person has said how severe it is, so nobody is asked for that any more. */
const saidBy = ({ incidents, clock }: Pick<Deps, 'incidents' | 'clock'>, { name: by }: Who, id: IncidentId) =>
  incidents.amend(id, ({ care }) =>
    care?.triaged === undefined ? { care: { triaged: { by, at: clock.now() } } } : undefined,
  );

/**
 * Appends to the timeline, also when the incident is over.
 *
 * @param key under which the note is written once
 * @throws Refusal 403, 404
 */
export async function note(
  deps: Pick<Deps, 'incidents' | 'clock'>,
  who: Who,
  { id, key, text, kind, detail }: { id: IncidentId; key: string } & Pick<TimelineEntry, 'text' | 'kind' | 'detail'>,
): Promise<TimelineEntry> {
  who.allow('incidents:write', await view(deps, id));
  const entry = { at: deps.clock.now(), actor: who.name, kind, text, detail };
  await deps.incidents.note(id, key, entry);
  return entry;
}
