import { sha256 } from '../../aws/hash.ts';
import { calendarAt, calendarEverywhere } from '../../domain/freeze/calendar.ts';
import { incidentFreeze } from '../../domain/freeze/causes.ts';
import type { Deps } from '../../domain/ports.ts';
import type { Freeze } from '../../schemas/freeze.ts';
import { policyOf } from '../evaluation/policy.ts';

/**
 * A freeze by its id. One of the calendar or of an incident holds from its beginning on, which may be before the first
 * evaluation has put it on record: then it is now, so that it can be lifted or overridden at once.
 */
export async function freezeOnRecord(
  deps: Pick<Deps, 'clock' | 'config' | 'freezes' | 'incidents'>,
  id: string,
): Promise<Freeze | undefined> {
  const known = await deps.freezes.get(id);
  if (known !== undefined) return known;
  const config = await deps.config.current();
  const incidents = await deps.incidents.open();
  const computed = [
    ...calendarEverywhere(calendarAt(config.freeze.calendar, deps.clock.now()), sha256),
    ...incidents.flatMap((incident) => incidentFreeze(incident, policyOf(config, incident), sha256) ?? []),
  ].find((freeze) => freeze.id === id);
  return computed && (await deps.freezes.open(computed)).freeze;
}
