import { serviceEntry } from '../../domain/catalogue.ts';
import { configuredEnvironments, probablyMeant, theOneCalled } from '../../domain/freeze/place-names.ts';
import type { Deps } from '../../domain/ports.ts';
import { didYouMean } from '../../domain/runbooks/nearest.ts';
import { unconfiguredEnvironment, unconfiguredWords } from '../../domain/unconfigured.ts';
import type { Config } from '../../schemas/config.ts';
import type { FreezeScope } from '../../schemas/freeze.ts';
import { EnvironmentName, ServiceName } from '../../schemas/names.ts';
import { Refusal } from '../api/problem.ts';

/**
 * A freeze under a name that nobody knows would hold nothing, and whoever made it would not find out.
 *
 * @returns service and environment as they are known, where the names differ from that in case and blanks alone; and what
 *   is odd about the scope, in words: an environment may be one to come
 * @throws Refusal 422 where there is no such service or team, with the name that was probably meant
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
  const ours = service === null ? undefined : theOneCalled(service, services);
  const place = environment === null ? undefined : theOneCalled(environment, environments);
  return {
    service: ours === undefined ? service : ServiceName.parse(ours),
    environment: place === undefined ? environment : EnvironmentName.parse(place),
    warnings: [
      ...(service === null ? [] : ofService(service, ours, services)),
      ...(environment === null ? [] : ofEnvironment(environment, place, environments)),
      ...(place === undefined ? [] : unconfigured(config, { service: ours ?? null, environment: place })),
    ],
  };
}

/** What services are called: by the catalogue, by objectives, and by those who deploy them. */
export const knownServices = (
  { services, slos }: Pick<Config, 'services' | 'slos'>,
  deployed: Iterable<string>,
): Set<string> => new Set([...Object.keys(services), ...slos.map((slo) => slo.service), ...deployed]);

/** Where there is no catalogue, services are what CD systems call them. */
function ofService(service: string, taken: string | undefined, known: ReadonlySet<string>): string[] {
  if (taken !== undefined) return takenFor(service, taken);
  const text = `nothing is known of a service ${JSON.stringify(service)}: the catalogue (config/services.yaml) does not have it, and no deployment of it is recorded`;
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
    `no service of the catalogue (config/services.yaml) is of a team ${JSON.stringify(team)}`,
    team,
    teams,
  );
}

function ofEnvironment(environment: string, taken: string | undefined, known: ReadonlySet<string>): string[] {
  if (taken !== undefined) return takenFor(environment, taken);
  const meant = probablyMeant(environment, known);
  return [
    `nothing is known of an environment ${JSON.stringify(environment)}, for which this holds all the same` +
      (meant === null ? '' : `; did you mean ${JSON.stringify(meant)}?`),
  ];
}

/** An environment that nothing but deployments names is as likely a misspelt one. */
function unconfigured(config: Config, place: { service: string | null; environment: string }): string[] {
  if (place.service !== null) {
    const found = unconfiguredEnvironment(config, { service: place.service, environment: place.environment });
    return found === null ? [] : [unconfiguredWords({ ...place, service: place.service }, found)];
  }
  const known = configuredEnvironments(config);
  if (Object.keys(config.services).length === 0 || known.has(place.environment)) return [];
  return [unconfiguredWords({ ...place, service: 'any service' }, { meant: probablyMeant(place.environment, known) })];
}

const takenFor = (name: string, taken: string): string[] =>
  taken === name ? [] : [`${JSON.stringify(name)} is taken for ${JSON.stringify(taken)}`];

const environmentsOf = (config: Config, deployed: ReadonlySet<string>): Set<string> =>
  new Set([...configuredEnvironments(config), ...deployed]);

function unknown(field: string, text: string, name: string, known: Iterable<string>): Refusal {
  const meant = didYouMean(name, known);
  return new Refusal(422, 'invalid', `json: ${field}: ${text}${meant === null ? '' : `; ${meant}`}`);
}

/** Names of the services of the catalogue that a scope covers. One that lists no environments is in every one. */
export function servicesIn(services: Config['services'], scope: FreezeScope): string[] {
  if (scope.service !== null) return [scope.service];
  return Object.entries(services)
    .filter(([, { team, environments }]) => {
      const places = Object.keys(environments);
      const isThere = scope.environment === null || places.length === 0 || places.includes(scope.environment);
      return isThere && (scope.team === null || scope.team === team);
    })
    .map(([name]) => name);
}
