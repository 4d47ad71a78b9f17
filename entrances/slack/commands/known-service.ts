import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { ServiceName } from '../../../schemas/config/names.ts';
import type { CommandDeps } from '../deps.ts';
import { nameIn, unknownName } from '../outcome.ts';

/** @throws Declined if the catalogue has no such service */
export async function knownService({ config }: CommandDeps, name: string): Promise<ServiceName> {
  const { services } = await config.current();
  if (serviceEntry(services, name) === undefined) throw unknownName('service', name, Object.keys(services));
  return nameIn(ServiceName, name);
}
