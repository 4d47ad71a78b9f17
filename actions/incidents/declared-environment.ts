import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Config, ServiceEntry } from '../../schemas/config/config.ts';
import { EnvironmentName, type ServiceName, UNMATCHED } from '../../schemas/config/names.ts';

/** Returns the environment of a service that applies if none is named. */
export function defaultEnvironmentOf(entry: ServiceEntry | undefined): string {
  const environments = Object.keys(entry?.environments ?? {});
  const only = environments.length === 1 ? environments[0] : undefined;
  return entry?.defaultEnvironment ?? only ?? 'production';
}

/**
 * Returns the service and environment of a declared incident. Without a service, it is `unmatched`: it pages by its
 * severity, without automation.
 */
export function declaredScope(
  services: Config['services'],
  {
    service,
    environment,
  }: { service?: ServiceName | null | undefined; environment?: EnvironmentName | null | undefined },
): ServiceEnvironment {
  const entry = service == null ? undefined : serviceEntry(services, service);
  return {
    service: service ?? UNMATCHED,
    environment: environment ?? EnvironmentName.parse(defaultEnvironmentOf(entry)),
  };
}
