import type { Action, Principal } from '../../../schemas/access/access.ts';
import { nearest, suggestionText } from '../../../schemas/parsing/similar-names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** What an action affects. Absent fields are not compared; `null` means all sources, services, or environments. */
export type Scope = { source?: string | null; service?: string | null; environment?: string | null };

/** Scope of actions that affect everything; principals limited to some sources, services, or environments may not perform them. */
export const EVERYWHERE: Scope = { source: null, service: null, environment: null };

export type Authorization = { allowed: true } | { allowed: false; because: string };

/** Decides whether a principal may perform an action. The only place with this decision. */
export function authorize(principal: Principal, action: Action, scope: Scope, now: Timestamp): Authorization {
  const { name, actions, sources, services, environments, expires_at: end } = principal;
  if (end !== null && end <= now) return denied(() => `the token ${name} expired at ${end}`);
  if (!actions.includes('*') && !actions.includes(action))
    return denied(() => `${name} lacks the permission ${action}`);
  const isIncluded = (list: readonly string[] | null, value: string | null | undefined) =>
    list === null || value === undefined || (value !== null && list.includes(value));
  const { source, service, environment } = scope;
  if (!isIncluded(sources, source))
    return denied(() => `${name} has no permission to send as ${source ?? 'all sources'}`);
  if (!isIncluded(services, service))
    return denied(() =>
      service == null
        ? `${name} has no access to all services`
        : `${name} has no access to service ${service}${suggestionText(nearest(service, services ?? []))}`,
    );
  if (!isIncluded(environments, environment))
    return denied(
      () => `${name} has no access to ${environment == null ? 'all environments' : `environment ${environment}`}`,
    );
  return { allowed: true };
}

/** @param because is called when the reason is shown: lists ask for each of thousands of services */
const denied = (because: () => string): Authorization => ({
  allowed: false,
  get because() {
    return because();
  },
});
