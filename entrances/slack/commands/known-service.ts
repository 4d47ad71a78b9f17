import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { inConfiguredSpelling } from '../../../core/domain/catalogue/known-names.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import type { CommandDeps } from '../deps.ts';
import { nameIn, unknownName } from '../outcome.ts';

/** Returns a service as the catalogue writes it. @throws Declined if the catalogue has no such service */
export async function knownService({ config }: CommandDeps, name: string): Promise<ServiceName> {
  const current = await config.current();
  const { service } = inConfiguredSpelling(current, { service: nameIn(ServiceName, name) });
  if (serviceEntry(current.services, service) === undefined)
    throw unknownName('service', name, Object.keys(current.services));
  return service;
}

/** Returns an environment of a service as the configuration writes it. */
export const knownEnvironment = async (
  { config }: CommandDeps,
  { service, environment }: { service: ServiceName; environment: string },
): Promise<EnvironmentName> =>
  inConfiguredSpelling(await config.current(), { service, environment: nameIn(EnvironmentName, environment) })
    .environment;
