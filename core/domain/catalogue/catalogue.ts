import type { Config, EnvironmentEntry, ServiceEntry } from '../../../schemas/config/config.ts';
import { onceFor } from '../once-for.ts';
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

/** Returns the objectives of a service and environment. */
export const objectivesFor = (
  { slos }: Pick<Config, 'slos'>,
  { service, environment }: { service: string; environment: string },
): Config['slos'] => (objectivesByService(slos).get(service) ?? []).filter((slo) => slo.environment === environment);

const objectivesByService = onceFor((slos: Config['slos']) => Map.groupBy(slos, ({ service }): string => service));

/** Environment of a service for which the catalogue lists no environment. */
const USUAL_ENVIRONMENT = 'production';

/**
 * Returns the environment of an event of a service that names none: the configured default, or the only environment. Undefined:
 * the service has several, of which none may be guessed.
 */
export function unnamedEnvironmentOf(entry: ServiceEntry | undefined): string | undefined {
  const [only = USUAL_ENVIRONMENT, ...others] = Object.keys(entry?.environments ?? {});
  return entry?.defaultEnvironment ?? (others.length === 0 ? only : undefined);
}

/** Returns the environment that is proposed to a person who names none. */
export const defaultEnvironmentOf = (entry: ServiceEntry | undefined): string =>
  unnamedEnvironmentOf(entry) ?? USUAL_ENVIRONMENT;

/** Returns the services with several environments and no default one: events of them must name the environment. */
export const withoutDefaultEnvironment = (
  services: Config['services'],
): { service: string; environments: string[] }[] =>
  Object.entries(services)
    .filter(([, entry]) => unnamedEnvironmentOf(entry) === undefined)
    .map(([service, { environments }]) => ({ service, environments: Object.keys(environments) }));

/** Returns the names of all components that customers know, each once. */
export const publicComponents = (services: Config['services']): string[] => [
  ...new Set(Object.values(services).flatMap(({ statusPage }) => statusPage?.components ?? [])),
];
