import { serviceEntry } from '../../domain/catalogue.ts';
import type { Place } from '../../domain/ports.ts';
import type { Config, ServiceEntry } from '../../schemas/config.ts';
import { EnvironmentName, type ServiceName, UNMATCHED } from '../../schemas/names.ts';

/** The environment of a service that is meant where none is named. */
export function defaultEnvironmentOf(entry: ServiceEntry | undefined): string {
  const environments = Object.keys(entry?.environments ?? {});
  const only = environments.length === 1 ? environments[0] : undefined;
  return entry?.defaultEnvironment ?? only ?? 'production';
}

/** Where a declared incident is. Without a service it is `unmatched`: paged by its severity, and nothing is automatic. */
export function declaredPlace(
  services: Config['services'],
  {
    service,
    environment,
  }: { service?: ServiceName | null | undefined; environment?: EnvironmentName | null | undefined },
): Place {
  const entry = service == null ? undefined : serviceEntry(services, service);
  return {
    service: service ?? UNMATCHED,
    environment: environment ?? EnvironmentName.parse(defaultEnvironmentOf(entry)),
  };
}
