import { type FreezePolicy, policyFor } from '../../domain/freeze/policy.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Config } from '../../schemas/config/config.ts';

/** Returns the freeze policy for a service and environment, based on the service's team and tier in the catalogue. */
export function policyOf(config: Config, { service, environment }: ServiceEnvironment): FreezePolicy {
  const entry = Object.hasOwn(config.services, service) ? config.services[service] : undefined;
  return policyFor(config.freeze, { service, environment, team: entry?.team ?? null, tier: entry?.tier ?? null });
}
