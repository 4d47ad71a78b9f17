import { defaultEnvironmentOf, serviceEntry } from '../../domain/catalogue/catalogue.ts';
import { catalogueName } from '../../domain/catalogue/known-names.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { EnvironmentName, type ServiceName, UNMATCHED } from '../../../schemas/config/names.ts';

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
  const name = service == null ? undefined : (catalogueName(services, service) ?? service);
  const entry = name === undefined ? undefined : serviceEntry(services, name);
  return {
    service: name ?? UNMATCHED,
    environment: environment ?? EnvironmentName.parse(defaultEnvironmentOf(entry)),
  };
}
