import type { Deps } from '../../domain/ports.ts';
import type { IncidentView } from '../../schemas/incident.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { noteDemotion } from '../../workflows/demotion.ts';
import { Refusal } from '../api/problem.ts';
import { view } from './incident-view.ts';
import type { Who } from './who.ts';

/**
 * What automation has done for an incident was wrong, or what it would have done in shadow mode; also when that is over.
 *
 * @param input.key the only act that was; absent: all of them
 * @returns the incident as it is now
 * @throws Refusal 403, 404; 409 `nothing-to-mark`
 */
export async function markWrong(
  deps: Pick<Deps, 'automation' | 'decisions' | 'incidents' | 'clock'>,
  who: Who,
  { id, note, key }: { id: IncidentId; note: string; key?: string },
): Promise<IncidentView> {
  const incident = await view(deps, id);
  who.allow('incidents:act', incident);
  // It counts against the automation of the service that was changed, which can be another one.
  for (const effect of incident.effects)
    if (effect.place !== undefined && (key ?? effect.key) === effect.key) who.allow('incidents:act', effect.place);
  const ofShadow = key === undefined;
  if (ofShadow)
    for (const { kind, target } of incident.decisions)
      if (kind === 'shadow' && target !== null) who.allow('incidents:act', target);
  const text = note || 'Says that the automation was wrong';
  const { acts, demoted } = await deps.automation.wrong(id, key ?? null, text);
  const shadowed = ofShadow ? await deps.decisions.markWrong(id, who.name, text) : 0;
  if (acts + shadowed === 0)
    throw new Refusal(
      409,
      'nothing-to-mark',
      `automation has changed nothing for incident ${id} that could have been wrong; what a person asked for is theirs`,
    );
  const entry = {
    at: deps.clock.now(),
    actor: who.name,
    kind: 'automation.marked_wrong',
    text,
    detail: { acts, ...(shadowed > 0 && { shadowed }) },
  };
  await deps.incidents.note(id, `marked-wrong-${who.name}${key === undefined ? '' : `-${key}`}`, entry);
  for (const service of demoted) await noteDemotion(deps, id, service);
  return view(deps, id);
}
