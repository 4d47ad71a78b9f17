import type { Scope } from '../../domain/access/access.ts';
import type { Runbook } from '../../../schemas/runbooks/runbook.ts';

/**
 * Returns the runbook with only the services and environments that a reader may see, or undefined if there are none.
 *
 * @param may returns whether the reader may read incidents in a scope
 */
export function visibleRunbook(may: (scope: Scope) => boolean, runbook: Runbook): Runbook | undefined {
  const services = runbook.services?.filter((service) => may({ service }));
  const environments = runbook.environments?.filter((environment) => may({ environment }));
  if (services?.length === 0 || environments?.length === 0) return undefined;
  return { ...runbook, services, environments };
}
