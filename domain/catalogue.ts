import type { Config, ServiceEntry } from '../schemas/config.ts';

/** What the catalogue says of a service. A name is any text, also that of something which every object has. */
export function serviceEntry(services: Config['services'], service: string): ServiceEntry | undefined {
  const known: Readonly<Record<string, ServiceEntry>> = services;
  return Object.hasOwn(known, service) ? known[service] : undefined;
}
