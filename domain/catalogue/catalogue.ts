import type { Config, EnvironmentEntry, ServiceEntry } from '../../schemas/config/config.ts';
import type { ServiceEnvironment } from '../ports/common.ts';

/**
 * Returns the catalogue entry of a service. Safe for names that are properties of every object, such as `constructor`.
 */
export function serviceEntry(services: Config['services'], service: string): ServiceEntry | undefined {
  const byName: Readonly<Record<string, ServiceEntry>> = services;
  return Object.hasOwn(byName, service) ? byName[service] : undefined;
}

/** Returns the catalogue entry of a service and environment. */
export function environmentEntry(
  services: Config['services'],
  { service, environment }: ServiceEnvironment,
): EnvironmentEntry | undefined {
  const entry = serviceEntry(services, service);
  return entry !== undefined && Object.hasOwn(entry.environments, environment)
    ? entry.environments[environment]
    : undefined;
}
