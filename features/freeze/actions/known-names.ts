import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import {
  configuredEnvironments,
  configuredScopes,
  configuredService,
  environmentNamed,
  environmentsAlike,
  knownTeams,
  suggestedName,
  matchingName,
  unconfiguredEnvironment,
  unconfiguredWords,
} from '../../../core/domain/catalogue/known-names.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { Deps } from '../ports.ts';
import { nearest, suggestionText } from '../../../schemas/parsing/similar-names.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { FreezeScope } from '../schemas/freeze.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { Refusal } from '../../../core/domain/refusal.ts';

/**
 * Resolves the names in a freeze's scope. A freeze with an unknown name would have no effect, and its creator would not
 * notice.
 *
 * @returns service, team, and environment in their known spelling, and warnings about the scope. An unknown environment is only a
 *   warning, because it may be added later
 * @throws Refusal 422 if there is no such service or team, with the likely intended name
 */
export async function resolveScope(
  deps: Pick<Deps, 'config' | 'changes'>,
  scope: FreezeScope,
): Promise<FreezeScope & { warnings: string[] }> {
  const config = await deps.config.current();
  const live = await deps.changes.live();
  const { service, environment } = scope;
  const team = scope.team === null ? null : requireTeam(config, scope.team);
  const services = knownServices(config, new Set(live.map((change) => change.service)));
  const knownService =
    service === null ? undefined : (configuredService(config, service) ?? matchingName(service, services));
  const environments = environmentsOf(config, live, { service: knownService ?? service, team });
  const alike = environment === null ? [] : alikeIn(environment, environments);
  const knownEnvironment = environment === null ? undefined : environmentNamed(environment, alike);
  return {
    team,
    service: knownService === undefined ? service : ServiceName.parse(knownService),
    environment: knownEnvironment === undefined ? environment : EnvironmentName.parse(knownEnvironment),
    warnings: [
      ...(service === null ? [] : serviceWarnings(service, knownService, services)),
      ...(environment === null ? [] : environmentWarnings(environment, alike, environments.flat())),
      ...(knownEnvironment === undefined
        ? []
        : unconfiguredWarnings(config, { service: knownService ?? null, environment: knownEnvironment })),
    ],
  };
}

/** Returns the names of all services: those in the catalogue, in objectives, and in recorded deployments. */
export const knownServices = (
  { services, slos }: Pick<Config, 'services' | 'slos'>,
  deployed: Iterable<string>,
): Set<string> => new Set([...Object.keys(services), ...slos.map((slo) => slo.service), ...deployed]);

/** Returns warnings about the service. Without any known service, an unknown one is only a warning. */
function serviceWarnings(service: string, match: string | undefined, known: ReadonlySet<string>): string[] {
  if (match !== undefined) return interpretationWarnings(service, match);
  const text = `unknown service ${JSON.stringify(service)}: it is not in the catalogue (config/services.yaml) and has no recorded deployment`;
  if (known.size === 0) return [text];
  throw unknownName('service', text, service, known);
}

function requireTeam({ services }: Pick<Config, 'services'>, team: string): string {
  const teams = knownTeams({ services });
  const known = matchingName(team, teams);
  if (known !== undefined) return known;
  throw unknownName(
    'team',
    `unknown team ${JSON.stringify(team)}: no service in the catalogue (config/services.yaml) belongs to it`,
    team,
    teams,
  );
}

function environmentWarnings(environment: string, alike: readonly string[], known: readonly string[]): string[] {
  const name = JSON.stringify(environment);
  if (alike.length === 0)
    return [
      `unknown environment ${name}; the freeze applies to it anyway` +
        suggestionText(suggestedName(environment, known)),
    ];
  const [match = environment, ...more] = alike;
  if (more.length === 0) return interpretationWarnings(environment, match);
  const others = alike.filter((other) => other !== environment).map((other) => JSON.stringify(other));
  return [`the freeze applies only to ${name}; other environments are spelled alike: ${others.toSorted().join(', ')}`];
}

/** Returns a warning if only deployments name the environment, because it may be a typo. */
function unconfiguredWarnings(
  config: Config,
  serviceEnvironment: { service: string | null; environment: string },
): string[] {
  if (serviceEnvironment.service !== null) {
    const found = unconfiguredEnvironment(config, {
      service: serviceEnvironment.service,
      environment: serviceEnvironment.environment,
    });
    return found === null
      ? []
      : [unconfiguredWords({ ...serviceEnvironment, service: serviceEnvironment.service }, found)];
  }
  const known = configuredEnvironments(config);
  if (Object.keys(config.services).length === 0 || known.has(serviceEnvironment.environment)) return [];
  return [
    unconfiguredWords(
      { ...serviceEnvironment, service: 'any service' },
      { suggestion: suggestedName(serviceEnvironment.environment, known) },
    ),
  ];
}

const interpretationWarnings = (name: string, match: string): string[] =>
  match === name ? [] : [`${JSON.stringify(name)} is interpreted as ${JSON.stringify(match)}`];

/**
 * Returns lists of environments, those that count first first: those of the services in the scope, by configuration and by
 * deployments; then those of all services. Otherwise, the spelling of another service could keep the freeze from applying.
 */
function environmentsOf(
  config: Config,
  live: readonly ServiceEnvironment[],
  { service, team }: Pick<FreezeScope, 'team'> & { service: string | null },
): string[][] {
  const all = [[...configuredEnvironments(config)], live.map(({ environment }) => environment)];
  if (service === null && team === null) return all;
  const isMeant = (name: string): boolean =>
    service === null ? serviceEntry(config.services, name)?.team === team : name === service;
  const configured = [...configuredScopes(config)].flatMap(([name, names]) => (isMeant(name) ? [...names] : []));
  const deployed = live.flatMap((change) => (isMeant(change.service) ? [change.environment] : []));
  // Without listed environments, the spelling of the configuration precedes that of deployments, as in a freeze check.
  return configured.length === 0 ? [...all.slice(0, 1), deployed, ...all.slice(1)] : [configured, deployed, ...all];
}

/** Returns the environments that a name can mean in the first list that has any. */
const alikeIn = (name: string, lists: readonly (readonly string[])[]): string[] =>
  lists.map((list) => environmentsAlike(name, list)).find((alike) => alike.length > 0) ?? [];

function unknownName(field: string, text: string, name: string, known: Iterable<string>): Refusal {
  return new Refusal(422, 'invalid', `json: ${field}: ${text}${suggestionText(nearest(name, known))}`);
}

/**
 * Returns the services of the catalogue that a scope covers. A service without environments counts as in all of them.
 */
export function servicesIn(services: Config['services'], scope: FreezeScope): string[] {
  if (scope.service !== null) return [scope.service];
  return Object.entries(services)
    .filter(([, { team, environments }]) => {
      const environmentNames = Object.keys(environments);
      const exists =
        scope.environment === null || environmentNames.length === 0 || environmentNames.includes(scope.environment);
      return exists && (scope.team === null || scope.team === team);
    })
    .map(([name]) => name);
}
