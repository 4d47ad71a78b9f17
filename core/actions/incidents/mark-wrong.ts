import { incidentName } from '../../domain/incidents/incident-number.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentView } from '../../../schemas/incidents/incident.ts';
import { isSameVersion } from '../../domain/changes/version-identity.ts';
import type { Pin } from '../../../schemas/changes/pin.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { noteDemotion } from '../../../workflows/demotion.ts';
import { rollbackKey } from '../../../workflows/steps/roll-back.ts';
import { numberOf } from '../../domain/rollback/question-names.ts';
import { endPin } from '../changes/lift-pin.ts';
import { Refusal } from '../../domain/refusal.ts';
import { requireIncident } from './require-incident.ts';
import type { Caller } from '../people/caller.ts';

/**
 * Marks the actions of automation in an incident as wrong, also those that it would have executed in shadow mode. Works
 * for resolved incidents, too. Ends the pins of versions that were rolled back wrongly.
 *
 * @param input.key key of the only wrong action; absent: all actions
 * @returns the updated incident
 * @throws Refusal 403, 404; 409 `nothing-to-mark`
 */
export async function markWrong(
  deps: Pick<Deps, 'automation' | 'decisions' | 'incidents' | 'pins' | 'clock'>,
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
  if (acts.length + shadowed === 0)
    throw new Refusal(
      409,
      'nothing-to-mark',
      `automation has executed no action in ${incidentName(incident)} that can be marked as wrong; actions that a person requested do not count`,
    );
  const entry = {
    at: deps.clock.now(),
    actor: caller.name,
    kind: 'automation.marked_wrong',
    text,
    detail: { acts: acts.length, ...(shadowed > 0 && { shadowed }) },
  };
  await deps.incidents.note(id, `marked-wrong-${caller.name}${key === undefined ? '' : `-${key}`}`, entry);
  for (const service of demoted) await noteDemotion(deps, id, service);
  await endPins(deps, caller, incident, acts);
  return requireIncident(deps, id);
}

/** Returns whether a pin is of a version, which can have been written without its commit. */
const isOf = (version: string | null | undefined, pin: Pin): boolean =>
  version != null && isSameVersion(pin, { version });

/** Ends the pins of the versions that these rollbacks undid. */
async function endPins(
  deps: Pick<Deps, 'incidents' | 'pins' | 'clock'>,
  caller: Caller,
  { id, decisions, effects }: IncidentView,
  acts: readonly string[],
): Promise<void> {
  for (const { key, service_environment: serviceEnvironment } of effects) {
    if (serviceEnvironment === undefined || !acts.includes(key)) continue;
    const decision = decisions.find(
      (one) => one.question === undefined && rollbackKey(id, Number(numberOf(one.id))) === key,
    );
    for (const pin of await deps.pins.of(serviceEnvironment))
      if (pin.incident_id === id && isOf(decision?.from_version, pin)) await endPin(deps, caller, pin);
  }
}
