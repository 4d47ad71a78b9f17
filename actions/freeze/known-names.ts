import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import { configuredEnvironments, suggestedName, matchingName } from '../../domain/freeze/known-names.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { didYouMean } from '../../domain/runbooks/similar-names.ts';
import { unconfiguredEnvironment, unconfiguredWords } from '../../domain/catalogue/unconfigured.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { FreezeScope } from '../../schemas/freeze/freeze.ts';
import { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import { Refusal } from '../refusal.ts';

/**
 * Resolves the names in a freeze's scope. A freeze with an unknown name would have no effect, and its creator would not
 * notice.
 *
 * @returns service and environment in their known spelling, if the names differ only in case and whitespace; and
 *   warnings about the scope. An unknown environment is only a warning, because it may be added later
 * @throws Refusal 422 if there is no such service or team, with the likely intended name
 */
export async function scopeAsKnown(
  deps: Pick<Deps, 'config' | 'changes'>,
  scope: FreezeScope,
): Promise<Pick<FreezeScope, 'service' | 'environment'> & { warnings: string[] }> {
  const config = await deps.config.current();
  const live = await deps.changes.live();
  const { service, team, environment } = scope;
  if (team !== null) refuseUnknownTeam(config, team);
  const services = knownServices(config, new Set(live.map((change) => change.service)));
  const environments = environmentsOf(config, new Set(live.map((change) => change.environment)));
  const ours = service === null ? undefined : matchingName(service, services);
  const knownEnvironment = environment === null ? undefined : matchingName(environment, environments);
  return {
    service: ours === undefined ? service : ServiceName.parse(ours),
    environment: knownEnvironment === undefined ? environment : EnvironmentName.parse(knownEnvironment),
    warnings: [
      ...(service === null ? [] : ofService(service, ours, services)),
      ...(environment === null ? [] : ofEnvironment(environment, knownEnvironment, environments)),
      ...(knownEnvironment === undefined
        ? []
        : unconfigured(config, { service: ours ?? null, environment: knownEnvironment })),
    ],
  };
}

/** Returns the names of all services: those in the catalogue, in objectives, and in recorded deployments. */
export const knownServices = (
  { services, slos }: Pick<Config, 'services' | 'slos'>,
  deployed: Iterable<string>,
): Set<string> => new Set([...Object.keys(services), ...slos.map((slo) => slo.service), ...deployed]);

/** Returns warnings about the service. Without any known service, an unknown one is only a warning. */
function ofService(service: string, taken: string | undefined, known: ReadonlySet<string>): string[] {
  if (taken !== undefined) return takenFor(service, taken);
  const text = `unknown service ${JSON.stringify(service)}: it is not in the catalogue (config/services.yaml) and has no recorded deployment`;
  if (known.size === 0) return [text];
  throw unknown('service', text, service, known);
}

export const knownTeams = ({ services }: Pick<Config, 'services'>): Set<string> =>
  new Set(Object.keys(services).flatMap((name) => serviceEntry(services, name)?.team ?? []));

function refuseUnknownTeam({ services }: Pick<Config, 'services'>, team: string): void {
  const teams = knownTeams({ services });
  if (teams.has(team)) return;
  throw unknown(
    'team',
    `unknown team ${JSON.stringify(team)}: no service in the catalogue (config/services.yaml) belongs to it`,
    team,
    teams,
  );
}

function ofEnvironment(environment: string, taken: string | undefined, known: ReadonlySet<string>): string[] {
  if (taken !== undefined) return takenFor(environment, taken);
  const meant = suggestedName(environment, known);
  return [
    `unknown environment ${JSON.stringify(environment)}; the freeze applies to it anyway` +
      (meant === null ? '' : `; did you mean ${JSON.stringify(meant)}?`),
  ];
}

/** Returns a warning if only deployments name the environment, because it may be a typo. */
function unconfigured(config: Config, serviceEnvironment: { service: string | null; environment: string }): string[] {
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

const takenFor = (name: string, taken: string): string[] =>
  taken === name ? [] : [`${JSON.stringify(name)} is interpreted as ${JSON.stringify(taken)}`];

const environmentsOf = (config: Config, deployed: ReadonlySet<string>): Set<string> =>
  new Set([...configuredEnvironments(config), ...deployed]);

function unknown(field: string, text: string, name: string, known: Iterable<string>): Refusal {
  const meant = didYouMean(name, known);
  return new Refusal(422, 'invalid', `json: ${field}: ${text}${meant === null ? '' : `; ${meant}`}`);
}

/**
 * Returns the services of the catalogue that a scope covers. A service without environments counts as in all of them.
 */
export function servicesIn(services: Config['services'], scope: FreezeScope): string[] {
  if (scope.service !== null) return [scope.service];
  return Object.entries(services)
    .filter(([, { team, environments }]) => {
      const places = Object.keys(environments);
      const exists = scope.environment === null || places.length === 0 || places.includes(scope.environment);
      return exists && (scope.team === null || scope.team === team);
    })
    .map(([name]) => name);
}
