import type { Automation } from '../schemas/access.ts';
import type { Mode } from '../schemas/names.ts';
import type { Place } from './ports.ts';

/** The modes that cap the automation of a place; the lowest is in force. */
export function modesFor({ mode, services }: Automation, { service, environment }: Place): Mode[] {
  const own = Object.hasOwn(services, service) ? services[service] : undefined;
  const there =
    own !== undefined && Object.hasOwn(own.environments, environment) ? own.environments[environment] : undefined;
  return [mode, own?.mode, there].filter((cap): cap is Mode => cap !== null && cap !== undefined);
}
