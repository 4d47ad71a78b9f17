import type { Action, Principal } from '../../../schemas/access/access.ts';
import { didYouMean } from '../lint/similar-names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** What an action affects. Absent fields are not compared; `null` means all sources, services, or environments. */
export type Scope = { source?: string | null; service?: string | null; environment?: string | null };

/** Scope of actions that affect everything; principals limited to some sources, services, or environments may not perform them. */
export const EVERYWHERE: Scope = { source: null, service: null, environment: null };

export type Authorization = { allowed: true } | { allowed: false; because: string };

/** Decides whether a principal may perform an action. The only place with this decision. */
export function authorize(principal: Principal, action: Action, scope: Scope, now: Timestamp): Authorization {
  if (principal.expires_at !== null && principal.expires_at <= now)
    return denied(`the token ${principal.name} expired at ${principal.expires_at}`);
  if (!principal.actions.includes('*') && !principal.actions.includes(action))
    return denied(`${principal.name} lacks the permission ${action}`);
  const isIncluded = (list: readonly string[] | null, value: string | null | undefined) =>
    list === null || value === undefined || (value !== null && list.includes(value));
  if (!isIncluded(principal.sources, scope.source))
    return denied(`${principal.name} has no permission to send as ${scope.source ?? 'all sources'}`);
  if (!isIncluded(principal.services, scope.service))
    return {
      allowed: false,
      // Only when it is shown: lists ask for each of thousands of services.
      get because() {
        return `${principal.name} has no access to ${servicesText(scope.service, principal.services ?? [])}`;
      },
    };
  if (!isIncluded(principal.environments, scope.environment))
    return denied(
      `${principal.name} has no access to ${scope.environment === null ? 'all environments' : `environment ${scope.environment}`}`,
    );
  return { allowed: true };
}

function servicesText(service: string | null | undefined, accessible: readonly string[]): string {
  if (service == null) return 'all services';
  const suggestion = didYouMean(service, accessible);
  return `service ${service}${suggestion === null ? '' : `; ${suggestion}`}`;
}

const denied = (because: string): Authorization => ({ allowed: false, because });
