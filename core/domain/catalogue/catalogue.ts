import type { Config, EnvironmentEntry, ServiceEntry } from '../../../schemas/config/config.ts';
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

/** Returns the environment of a service that applies if none is named. */
export function defaultEnvironmentOf(entry: ServiceEntry | undefined): string {
  const environments = Object.keys(entry?.environments ?? {});
  const only = environments.length === 1 ? environments[0] : undefined;
  return entry?.defaultEnvironment ?? only ?? 'production';
}

/** Returns the names of all components that customers know, each once. */
export const publicComponents = (services: Config['services']): string[] => [
  ...new Set(Object.values(services).flatMap(({ statusPage }) => statusPage?.components ?? [])),
];
