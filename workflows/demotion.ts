import type { Deps } from '../core/domain/ports/deps.ts';
import type { IncidentId } from '../schemas/config/names.ts';

/** Notes on an incident's timeline that the automation of a service now requires approval. */
export async function noteDemotion(
  deps: Pick<Deps, 'incidents' | 'clock'>,
  id: IncidentId,
  service: string,
): Promise<void> {
  await deps.incidents.note(id, `demoted-${service}`, {
    at: deps.clock.now(),
    actor: 'firebreak',
    kind: 'automation.demoted',
    text: `Automation of ${service} was wrong too often. It now asks for approval until a person sets its mode again`,
    detail: { service },
  });
}
