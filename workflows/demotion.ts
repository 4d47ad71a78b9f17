import type { Deps } from '../domain/ports.ts';
import type { IncidentId } from '../schemas/names.ts';

/** Tells those who look at an incident that the automation of a service has lost its right to act alone. */
export async function noteDemotion(
  deps: Pick<Deps, 'incidents' | 'clock'>,
  id: IncidentId,
  service: string,
): Promise<void> {
  await deps.incidents.note(id, `demoted-${service}`, {
    at: deps.clock.now(),
    actor: 'firebreak',
    kind: 'automation.demoted',
    text: `The automation of ${service} was wrong too often: from now on it asks, until a person sets its mode again`,
    detail: { service },
  });
}
