import { type FEATURE_CONFIG, FEATURE_CONFIG_SCOPES } from '../../../features/names.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { nameKey } from '../access/actor-identity.ts';
import { onceFor } from '../once-for.ts';
import { repositoryPathOf } from './repositories.ts';
import { nearest, suggestionText } from '../../../schemas/parsing/similar-names.ts';

/** Environment of objectives and alerts that do not name one. */
const DEFAULT_ENVIRONMENT = 'production';

/** What names environments: objectives, the catalogue, and keys of features. */
export type NamingConfig = Pick<Config, 'services' | 'slos' | keyof typeof FEATURE_CONFIG>;

/** Environments of each service. */
export type KnownScopes = ReadonlyMap<string, ReadonlySet<string>>;

/** Collects the environments of each service from the configuration: the catalogue, objectives, and what features name. */
export const configuredScopes = onceFor(collectScopes);

function collectScopes(config: NamingConfig): KnownScopes {
  const { services, slos } = config;
  const scopes = new Map<string, Set<string>>();
  for (const [service, entry] of Object.entries(services))
    scopes.set(
      service,
      new Set([
        ...Object.keys(entry.environments),
        ...(entry.defaultEnvironment === undefined ? [] : [entry.defaultEnvironment]),
      ]),
    );
  const serviceKeys = new Set(Object.keys(services).map(nameKey));
  addEnvironments(
    scopes,
    slos.filter(({ service }) => scopes.has(service) || !serviceKeys.has(nameKey(service))),
  );
  const named = featureScopesIn(config).flatMap(({ services: of = [], environments = [] }) =>
    of.flatMap((service) => environments.map((environment) => ({ service, environment }))),
  );
  addEnvironments(
    scopes,
    named.filter(({ service }) => scopes.has(service)),
  );
  return scopes;
}

/**
 * Adds environments to services. Another spelling of a name that a service already has adds none: as an environment of its
 * own, it would be exempt from everything that applies to that name, such as freezes.
 */
function addEnvironments(scopes: Map<string, Set<string>>, all: readonly NamedEnvironment[]): void {
  const added = all.filter(
    ({ service, environment }) => namesAlike(environment, scopes.get(service) ?? []).length === 0,
  );
  for (const { service, environment } of added)
    scopes.set(service, (scopes.get(service) ?? new Set<string>()).add(environment));
}

/** Returns every environment that the configuration names, and the default one. */
export const configuredEnvironments = onceFor(collectEnvironments);

function collectEnvironments(config: NamingConfig): ReadonlySet<string> {
  const ofServices = new Set([...configuredScopes(config).values()].flatMap((environments) => [...environments]));
  const known = withoutAlike(ofServices, [DEFAULT_ENVIRONMENT]);
  return withoutAlike(
    known,
    featureScopesIn(config).flatMap(({ environments = [] }) => environments),
  );
}

/** Returns the names, with more of them, except other spellings of the first ones. */
const withoutAlike = (names: ReadonlySet<string>, more: readonly string[]): Set<string> =>
  new Set([...names, ...more.filter((name) => namesAlike(name, names).length === 0)]);

/** Returns the known names that differ from a name in nothing but case, character width, and blanks, without duplicates. */
export const namesAlike = (name: string, known: Iterable<string>): string[] =>
  [...new Set(known)].filter((candidate) => candidate === name || nameKey(candidate) === nameKey(name));

/**
 * Returns the matching name: an exact match, or the only name that differs in nothing but case, character width, and
 * blanks. Undefined: no match.
 */
export function matchingName(
  name: string,
  known: ReadonlySet<string> | ReadonlyMap<string, unknown> | readonly string[],
): string | undefined {
  if ('has' in known ? known.has(name) : known.includes(name)) return name;
  return only(namesAlike(name, 'has' in known ? known.keys() : known));
}

/** Usual environments: the names of each, without separators, that all mean the same. */
const USUAL_ENVIRONMENTS =
  'production prod prd,preproduction preprod,staging stage stg,development dev,qa,uat,test testing,integration int,acceptance acc,nonproduction nonprod,performance perf loadtest,live,canary,demo,sandbox,preview';
const usualByName = new Map(
  USUAL_ENVIRONMENTS.split(',').flatMap((names) => names.split(' ').map((name, _, [first = name]) => [name, first])),
);

/** Returns the name of an environment as it is compared: separators do not count, and each usual name in it is the first of its names. */
const environmentKey = (name: string): string => {
  const usual = (part: string): string => usualByName.get(part) ?? part;
  return usual(
    name
      .split(/[-_./\s]/)
      .map((part) => usual(nameKey(part)))
      .join(''),
  );
};

/** Returns the first of the names of a usual environment, which the configuration need not have. Undefined: it is none. */
export const usualEnvironment = (name: string): string | undefined => usualByName.get(environmentKey(name));

/** Returns the environments that a name can mean: those spelled alike, or else those with other separators or usual names. */
export function environmentsAlike(name: string, known: Iterable<string>): string[] {
  const all = new Set(known);
  const alike = namesAlike(name, all);
  if (alike.length > 0) return alike;
  const [key, letters] = [environmentKey(name), looseKey(name)];
  // A usual name is found only between separators, which `prodEU` does not have.
  return [...all].filter((one) => environmentKey(one) === key || looseKey(one) === letters);
}

/** Returns the environment that a name means: an exact match, or the only one that it can mean. Undefined: none. */
export function environmentNamed(name: string, known: ReadonlySet<string> | readonly string[]): string | undefined {
  if ('has' in known ? known.has(name) : known.includes(name)) return name;
  return only(environmentsAlike(name, known));
}

/**
 * Returns the name of a service as the catalogue writes it: the name itself, or the only one that differs in nothing but case,
 * character width, and blanks. Undefined: the catalogue has none.
 */
export function catalogueName(services: Config['services'], name: string): ServiceName | undefined {
  if (Object.hasOwn(services, name)) return name as ServiceName;
  return matchingName(name, servicesByKey(services).get(nameKey(name)) ?? []) as ServiceName | undefined;
}

/** Receivers of alerts and spans look up many names. */
const servicesByKey = onceFor((services: Config['services']) => Map.groupBy(Object.keys(services), nameKey));

/**
 * Returns the service that a name means: the one with this name, or the only one whose alerts have it in their label `service`, by
 * its `match`; otherwise, the one whose name differs in nothing but case, character width, and blanks. Undefined: none.
 */
export function serviceNamed(services: Config['services'], name: string): ServiceName | undefined {
  if (Object.hasOwn(services, name)) return name as ServiceName;
  return (only(servicesByLabel(services).get(name) ?? [])?.[0] ?? catalogueName(services, name)) as
    | ServiceName
    | undefined;
}

/** Returns the service with a repository, or with a name that has other separators, possibly after that of its owner. */
export function looselyNamed(services: Config['services'], name: string): ServiceName | undefined {
  const last = name.slice(name.lastIndexOf('/') + 1);
  const path = repositoryPathOf(name);
  const all = Object.entries(services);
  const ofRepository = path === '' ? [] : all.filter(([, entry]) => repositoryPathOf(entry.repository ?? '') === path);
  const named = serviceNamed(services, last) ?? only(servicesByLooseKey(services).get(looseKey(last)) ?? []);
  return (only(ofRepository)?.[0] ?? named) as ServiceName | undefined;
}

const looseKey = (name: string): string => nameKey(name).replaceAll(/[-_.]/g, '');
const servicesByLooseKey = onceFor((services: Config['services']) => Map.groupBy(Object.keys(services), looseKey));

/** Returns the only element. Undefined: there is none, or there are several. */
export const only = <T>([first, ...more]: readonly T[]): T | undefined => (more.length === 0 ? first : undefined);

const servicesByLabel = onceFor((services: Config['services']) =>
  Map.groupBy(Object.entries(services), ([, { match }]) => match?.['service']),
);

/** Returns the teams of the catalogue. */
export const knownTeams = ({ services }: Pick<Config, 'services'>): Set<string> =>
  new Set(Object.values(services).flatMap(({ team }) => team ?? []));

/** Returns the name of a team as the catalogue writes it, or unchanged if it has no such team. */
export const teamNamed = (config: Pick<Config, 'services'>, team: string): string =>
  matchingName(team, knownTeams(config)) ?? team;

/** Returns the environments that a service can have: those that the configuration names for it, or all if it names none. */
export function environmentsOf(config: NamingConfig, service: string): ReadonlySet<string> {
  const scopes = configuredScopes(config);
  const name = matchingName(service, scopes);
  const own = name === undefined ? undefined : scopes.get(name);
  return own !== undefined && own.size > 0 ? own : configuredEnvironments(config);
}

/** A service, an environment, or both, as a request names them. */
export type RequestedScope = { service?: string | null | undefined; environment?: string | null | undefined };

/**
 * Returns a service and environment, either of which can be absent, as the configuration names them, or unchanged. All that
 * is stored has these names, so all that is read must be requested with them.
 */
export function inConfiguredSpelling<T extends RequestedScope>(config: NamingConfig, named: T): T {
  const service = named.service == null ? undefined : configuredService(config, named.service);
  const environments = service === undefined ? configuredEnvironments(config) : environmentsOf(config, service);
  const environment = named.environment == null ? undefined : environmentNamed(named.environment, environments);
  return {
    ...named,
    ...(service !== undefined && { service: ServiceName.parse(service) }),
    ...(environment !== undefined && { environment: EnvironmentName.parse(environment) }),
  };
}

/** Services and environments to which permissions are limited. Null: all. */
type Limits = { services: string[] | null; environments: string[] | null };

/** Returns permissions limited to services and environments as the configuration names them, as all that they are compared with. */
export function inConfiguredNames<T extends Limits>(config: NamingConfig, limited: T): T {
  const services = limited.services?.map((name) => configuredService(config, name) ?? name) ?? null;
  if (limited.environments === null) return { ...limited, services: unique(services) };
  const known = environmentsOfAny(config, services);
  const environments = limited.environments.map((name) => environmentNamed(name, known) ?? name);
  return { ...limited, services: unique(services), environments: unique(environments) };
}

/** Returns warnings about alert sources that do not exist, so that a token that is limited to them can send nothing. */
export const sourceWarnings = (names: readonly string[] | null, known: readonly string[]): string[] =>
  (names ?? [])
    .filter((name) => !known.includes(name))
    .map(
      (name) =>
        `there is no alert source ${JSON.stringify(name)}${suggestionText(nearest(name, known)) || `; the sources are ${known.join(', ')}`}`,
    );

/** Returns warnings about names that permissions are limited to. Empty: all are configured, or there is no catalogue. */
export function limitWarnings(config: NamingConfig, { services, environments }: Limits): string[] {
  if (configuredScopes(config).size === 0) return [];
  const known = environmentsOfAny(config, services);
  const unknown = environments?.filter((name) => environmentNamed(name, known) === undefined) ?? [];
  const nobody = services?.length === 1 ? `${services[0]} does not have` : 'no service of these has';
  return [
    ...(services?.flatMap((service) => serviceWarnings(config, service)) ?? []),
    ...unknown.map(
      (name) =>
        `${services === null ? 'no service has' : nobody} the environment ${JSON.stringify(name)}${suggestionText(suggestedName(name, known))}`,
    ),
  ];
}

/** Returns the environments that at least one of the services can have; null: of all services. */
const environmentsOfAny = (config: NamingConfig, services: readonly string[] | null): ReadonlySet<string> =>
  services === null ? environmentsOfAll(config) : environmentsTogether(config, services);

const environmentsOfAll = onceFor((config: NamingConfig) =>
  environmentsTogether(config, [...configuredScopes(config).keys()]),
);

const environmentsTogether = (config: NamingConfig, services: readonly string[]): ReadonlySet<string> =>
  services.length === 0
    ? configuredEnvironments(config)
    : new Set(services.flatMap((service) => [...environmentsOf(config, service)]));

const unique = (names: string[] | null): string[] | null => names && [...new Set(names)];

/** Returns the service that a name means, as the configuration writes it. Undefined: none. */
export function configuredService(config: NamingConfig, name: string): string | undefined {
  const scopes = configuredScopes(config);
  return scopes.has(name)
    ? name
    : (serviceNamed(config.services, name) ?? matchingName(name, scopes) ?? looselyNamed(config.services, name));
}

/** Minimum length of a prefix match: shorter prefixes match too many names. */
const PREFIX_MIN_CHARS = 3;

/** Returns the name that was probably meant: one with this prefix, such as `prod`, or one with a similar spelling. */
export function suggestedName(name: string, known: Iterable<string>): string | null {
  const names = [...known].toSorted();
  const withPrefix =
    nameKey(name).length < PREFIX_MIN_CHARS
      ? undefined
      : names.find((candidate) => nameKey(candidate).startsWith(nameKey(name)));
  return withPrefix ?? nearest(name, names);
}

/** Returns the services and environments that keys of features name. */
const featureScopesIn = (config: NamingConfig) => FEATURE_CONFIG_SCOPES.flatMap((scopes) => scopes(config as never));

type NamedEnvironment = { service: string; environment: string };

/** An environment that no configuration names for a service. `suggestion`: the likely match; null: none is similar. */
export type Unconfigured = { configured: string[]; suggestion: string | null };

/**
 * Returns a finding if no configuration names the environment of a service. If a service lists no environments, those
 * of all other services count. Null: it is named, or there is no catalogue to compare with.
 */
export function unconfiguredEnvironment(
  config: NamingConfig,
  { service, environment }: NamedEnvironment,
): Unconfigured | null {
  if (configuredScopes(config).size === 0) return null;
  const knownEnvironments = environmentsOf(config, service);
  if (environmentNamed(environment, knownEnvironments) !== undefined) return null;
  return { configured: [...knownEnvironments].toSorted(), suggestion: suggestedName(environment, knownEnvironments) };
}

/**
 * Says which environments a service has, if a request names another one. Null: the service has it, or lists none, so that any
 * is accepted.
 */
export const foreignEnvironmentText = (
  { service, environment }: NamedEnvironment,
  known: readonly string[],
): string | null =>
  known.length === 0 || environmentNamed(environment, known) !== undefined
    ? null
    : `${service.slice(0, 80)} has only these environments: ${known.slice(0, 10).join(', ')}`;

/** Returns warnings about the names in a record. Empty: none, or there is no catalogue. */
export function nameWarnings(config: NamingConfig, { service, environment }: NamedEnvironment): string[] {
  if (configuredScopes(config).size === 0) return [];
  const unconfigured = unconfiguredEnvironment(config, { service, environment });
  return [
    ...serviceWarnings(config, service),
    ...(unconfigured === null ? [] : [unconfiguredWords({ service, environment }, unconfigured)]),
  ];
}

/** Returns a warning if no configuration names a service. Empty: it is named, or there is no catalogue. */
export function serviceWarnings(config: NamingConfig, service: string): string[] {
  const services = [...configuredScopes(config).keys()];
  if (services.length === 0 || matchingName(service, services) !== undefined) return [];
  return [`the catalogue has no service ${JSON.stringify(service)}${suggestionText(suggestedName(service, services))}`];
}

/** Formats `the environment "prod" of shop is not configured; did you mean "production"?` */
export const unconfiguredWords = (
  { service, environment }: NamedEnvironment,
  { suggestion: didYouMean }: Pick<Unconfigured, 'suggestion'>,
): string =>
  `the environment ${JSON.stringify(environment)} of ${service} is not configured${suggestionText(didYouMean)}`;
