import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentView } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { noteDemotion } from '../../../workflows/demotion.ts';
import { Refusal } from '../../domain/refusal.ts';
import { requireIncident } from './require-incident.ts';
import type { Caller } from '../people/caller.ts';

/**
 * Marks the actions of automation in an incident as wrong, also those that it would have executed in shadow mode. Works
 * for resolved incidents, too.
 *
 * @param input.key key of the only wrong action; absent: all actions
 * @returns the updated incident
 * @throws Refusal 403, 404; 409 `nothing-to-mark`
 */
export async function markWrong(
  deps: Pick<Deps, 'automation' | 'decisions' | 'incidents' | 'clock'>,
  caller: Caller,
  { id, note, key }: { id: IncidentId; note: string; key?: string },
): Promise<IncidentView> {
  const incident = await requireIncident(deps, id);
  caller.allow('incidents:act', incident);
  // It counts against the automation of the changed service, which can be another than the incident's.
  for (const effect of incident.effects)
    if (effect.service_environment !== undefined && (key ?? effect.key) === effect.key)
      caller.allow('incidents:act', effect.service_environment);
  const ofShadow = key === undefined;
  if (ofShadow)
    for (const { kind, target } of incident.decisions)
      if (kind === 'shadow' && target !== null) caller.allow('incidents:act', target);
  const text = note || 'Marked the automation as wrong';
  const { acts, demoted } = await deps.automation.markWrong(id, key ?? null, text);
  const shadowed = ofShadow ? await deps.decisions.markWrong(id, caller.name, text) : 0;
  if (acts + shadowed === 0)
    throw new Refusal(
      409,
      'nothing-to-mark',
      `automation has executed no action in incident ${id} that can be marked as wrong; actions that a person requested do not count`,
    );
  const entry = {
    at: deps.clock.now(),
    actor: caller.name,
    kind: 'automation.marked_wrong',
    text,
    detail: { acts, ...(shadowed > 0 && { shadowed }) },
  };
  await deps.incidents.note(id, `marked-wrong-${caller.name}${key === undefined ? '' : `-${key}`}`, entry);
  for (const service of demoted) await noteDemotion(deps, id, service);
  return requireIncident(deps, id);
}
