import { hash } from 'node:crypto';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentView, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import {
  type EnvironmentName,
  type IncidentId,
  type ServiceName,
  type Severity,
} from '../../../schemas/config/names.ts';
import { notifyDeclared, notifyRaised } from '../../../workflows/declaration.ts';
import { wake } from '../../../workflows/wake.ts';
import { incidentResolved, requireIncident } from './require-incident.ts';
import { queueOnCallLookup } from './on-call-commander.ts';
import type { Caller } from '../people/caller.ts';

type ActDeps = Pick<Deps, 'incidents' | 'engine' | 'decisions' | 'clock'>;
type DeclareDeps = ActDeps & Pick<Deps, 'inbound' | 'config' | 'log'>;

export type DeclareRequest = {
  /** ID of the new incident, if the caller repeats a request with the same one. */
  id?: IncidentId | undefined;
  service: ServiceName;
  environment: EnvironmentName;
  title: string;
  severity: Severity;
  /** Trace ID of the request; a repeated request has the same one. */
  trace: string;
  /** Excludes the incident from groups of simultaneous failures, because it reports no failure. */
  alone?: true;
};

/**
 * Opens an incident for a person, or returns the open one. The on-call responder gets command of a new incident, in the
 * background.
 *
 * @throws Refusal 403
 */
export async function openIncident(
  deps: DeclareDeps,
  caller: Caller,
  input: DeclareRequest,
): Promise<{ incident: IncidentView; created: boolean }> {
  caller.allow('incidents:write', input);
  const { id, created: isNew } = await deps.incidents.declare({ ...input, by: caller.name });
  const created = isNew || id === input.id || (await wasOpenedBy(deps, id, input));
  await wake(deps, id);
  if (created) await recordTriage(deps, caller, id);
  if (created) await queueOnCallLookup(deps, id, input);
  return { incident: await requireIncident(deps, id), created };
}

/** Returns whether an interrupted attempt of the same request opened the incident; then the remaining steps follow. */
async function wasOpenedBy({ incidents }: ActDeps, id: IncidentId, { trace, title }: DeclareRequest): Promise<boolean> {
  const incident = await incidents.read(id);
  return incident?.by_hand === true && incident.trace === trace && incident.title === title;
}

/**
 * Opens an incident like `opened`. If one is already open, the report is added to its timeline, and its severity is
 * raised to the reported one; the same applies to its parent, which pages and has the channel. If command is
 * unassigned, the on-call responder gets it.
 *
 * @throws Refusal 403
 */
export async function declareIncident(
  deps: DeclareDeps,
  caller: Caller,
  input: DeclareRequest,
): Promise<{ incident: IncidentView; created: boolean }> {
  const found = await openIncident(deps, caller, input);
  if (found.created) return found;
  const { id } = found.incident;
  const { title, severity } = input;
  const { name: by } = caller;
  const key = `declared-${hash('sha256', JSON.stringify([by, title, severity])).slice(0, 32)}`;
  const request = { key, by, title, severity };
  // The incident closed in the meantime, so a new one is opened.
  if (!(await notifyDeclared(deps, id, request))) return openIncident(deps, caller, input);
  const child = await deps.incidents.read(id);
  if (child?.parent_id !== undefined)
    await notifyDeclared(deps, child.parent_id, { ...request, key: `${key}-${id}`, child });
  if (child?.roles?.commander === undefined) await queueOnCallLookup(deps, id, input);
  return { incident: await requireIncident(deps, id), created: false };
}

/**
 * Corrects the title or severity of an incident. Without either, nothing is recorded.
 *
 * @param key idempotency key; absent: the correction is applied each time
 * @returns the updated incident
 * @throws Refusal 403, 404, 409
 */
export async function correctIncident(
  deps: ActDeps,
  caller: Caller,
  { id, title, severity, key }: { id: IncidentId; title?: string; severity?: Severity; key?: string },
): Promise<IncidentView> {
  const incident = await requireIncident(deps, id);
  caller.allow('incidents:write', incident);
  const changed = [title && `title to ${title}`, severity && `severity to ${severity}`].filter(Boolean).join(', ');
  if (changed === '') return incident;
  const posted = await deps.incidents.post(
    id,
    { kind: 'severity', severity: severity ?? incident.severity, by: caller.name },
    {
      ...(title && { title }),
      ...(severity && { severity }),
      timeline: { actor: caller.name, kind: 'incident.changed', text: `Changed ${changed}`, detail: null },
    },
    key,
  );
  if (!posted) throw incidentResolved(incident);
  if (severity !== undefined) await recordTriage(deps, caller, id);
  if (severity === 'critical' && incident.severity !== 'critical') await notifyParent(deps, caller, id);
  await wake(deps, id);
  return requireIncident(deps, id);
}

/** Raises the severity of the parent, which pages for its children. */
async function notifyParent(deps: ActDeps, caller: Caller, id: IncidentId): Promise<void> {
  const child = await deps.incidents.read(id);
  if (child?.parent_id !== undefined) await notifyRaised(deps, child.parent_id, caller.name, child);
}

/** Records that a person has confirmed the severity, so that no reminder asks for it. */
const recordTriage = ({ incidents, clock }: Pick<Deps, 'incidents' | 'clock'>, { name: by }: Caller, id: IncidentId) =>
  incidents.amend(id, ({ handling }) =>
    handling?.triaged === undefined ? { handling: { triaged: { by, at: clock.now() } } } : undefined,
  );

/**
 * Adds a note to the timeline, also of a resolved incident.
 *
 * @param key idempotency key
 * @param pinned whether it is a chat message that a person has marked
 * @throws Refusal 403, 404
 */
export async function note(
  deps: Pick<Deps, 'incidents' | 'clock'>,
  caller: Caller,
  {
    id,
    key,
    text,
    detail,
    pinned = false,
  }: { id: IncidentId; key: string; pinned?: boolean } & Pick<TimelineEntry, 'text' | 'detail'>,
): Promise<TimelineEntry> {
  caller.allow('incidents:write', await requireIncident(deps, id));
  const entry = { at: deps.clock.now(), actor: caller.name, kind: pinned ? 'note.pinned' : 'note', text, detail };
  await deps.incidents.note(id, key, entry);
  return entry;
}
