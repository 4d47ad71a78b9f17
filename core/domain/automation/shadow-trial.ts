import type { Config, ShadowTrial } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { environmentEntry } from '../catalogue/catalogue.ts';

/**
 * Returns whether an incident is silent because Firebreak runs on trial beside an existing pager. Only the mode in the
 * catalogue counts: a temporary cap must not silence pages. Never silent are incidents of an unknown service, those that
 * a person opened, and those that group others (`group_reason`).
 *
 * @param what a page for alerts, or the channel of an incident
 */
export function isQuietTrial(
  {
    service,
    environment,
    unmatched,
    by_hand,
    group_reason,
  }: Pick<IncidentRecord, 'service' | 'environment' | 'unmatched'> &
    Partial<Pick<IncidentRecord, 'by_hand' | 'group_reason'>>,
  { services, paging }: Pick<Config, 'services' | 'paging'>,
  what: keyof ShadowTrial,
): boolean {
  if (unmatched !== null || by_hand === true || group_reason !== undefined) return false;
  const entry = environmentEntry(services, { service, environment });
  if (entry?.autoRollback.mode !== 'shadow') return false;
  return (entry.shadow ?? paging.shadow)?.[what] === false;
}
