import type { Config, ServiceEntry } from '../../schemas/config/config.ts';

/**
 * Returns the catalogue entry of a service. Safe for names that are properties of every object, such as `constructor`.
 */
export function serviceEntry(services: Config['services'], service: string): ServiceEntry | undefined {
  const known: Readonly<Record<string, ServiceEntry>> = services;
  return Object.hasOwn(known, service) ? known[service] : undefined;
}
