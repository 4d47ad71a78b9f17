import type { Config, EnvironmentEntry, ServiceEntry } from '../../schemas/config/config.ts';
import type { ServiceEnvironment } from '../ports/common.ts';

/**
 * Returns the catalogue entry of a service. Safe for names that are properties of every object, such as `constructor`.
 */
export function serviceEntry(services: Config['services'], service: string): ServiceEntry | undefined {
  const known: Readonly<Record<string, ServiceEntry>> = services;
  return Object.hasOwn(known, service) ? known[service] : undefined;
}

/** Returns the catalogue entry of a service and environment. */
export function environmentEntry(
  services: Config['services'],
  { service, environment }: ServiceEnvironment,
): EnvironmentEntry | undefined {
  const own = serviceEntry(services, service);
  return own !== undefined && Object.hasOwn(own.environments, environment) ? own.environments[environment] : undefined;
}
