import type { Action, Principal } from '../../schemas/access/access.ts';
import type { Timestamp } from '../../schemas/time/time.ts';

/** Target of an action. Only known fields are compared; `null` means all. */
export type Scope = { source?: string | null; service?: string | null; environment?: string | null };

/** Scope of actions that affect everyone; principals limited to a part may not perform them. */
export const EVERYWHERE: Scope = { source: null, service: null, environment: null };

export type Authorization = { allowed: true } | { allowed: false; because: string };

/** Decides whether a principal may perform an action. The only place with this decision. */
export function authorize(principal: Principal, action: Action, scope: Scope, now: Timestamp): Authorization {
  if (principal.expires_at !== null && principal.expires_at <= now)
    return no(`the token ${principal.name} expired at ${principal.expires_at}`);
  if (!principal.actions.includes('*') && !principal.actions.includes(action))
    return no(`${principal.name} lacks the permission ${action}`);
  const within = (list: readonly string[] | null, value: string | null | undefined) =>
    list === null || value === undefined || (value !== null && list.includes(value));
  if (!within(principal.sources, scope.source))
    return no(`${principal.name} has no permission to send as ${scope.source ?? 'all sources'}`);
  if (!within(principal.services, scope.service))
    return no(
      `${principal.name} has no access to ${scope.service === null ? 'all services' : `service ${scope.service}`}`,
    );
  if (!within(principal.environments, scope.environment))
    return no(
      `${principal.name} has no access to ${scope.environment === null ? 'all environments' : `environment ${scope.environment}`}`,
    );
  return { allowed: true };
}

const no = (because: string): Authorization => ({ allowed: false, because });
