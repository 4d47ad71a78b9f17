import { defaultEnvironmentOf, serviceEntry } from '../../domain/catalogue/catalogue.ts';
import { inConfiguredSpelling, type NamingConfig } from '../../domain/catalogue/known-names.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import { EnvironmentName, type ServiceName, UNMATCHED } from '../../../schemas/config/names.ts';

/**
 * Returns the service and environment of a declared incident. Without a service, it is `unmatched`: it pages by its
 * severity, without automation.
 */
export function declaredScope(
  config: NamingConfig,
  named: { service?: ServiceName | null | undefined; environment?: EnvironmentName | null | undefined },
): ServiceEnvironment {
  const { service, environment } = inConfiguredSpelling(config, named);
  const entry = service == null ? undefined : serviceEntry(config.services, service);
  return {
    service: service ?? UNMATCHED,
    environment: environment ?? EnvironmentName.parse(defaultEnvironmentOf(entry)),
  };
}
