import { serviceEntry } from '../../domain/catalogue.ts';
import type { Deps } from '../../domain/ports.ts';
import { didYouMean } from '../../domain/runbooks/nearest.ts';
import type { Config } from '../../schemas/config.ts';
import type { FreezeScope } from '../../schemas/freeze.ts';
import { Refusal } from '../api/problem.ts';

/** Of an objective, and of an alert, that does not say where. */
const DEFAULT_ENVIRONMENT = 'production';

/**
 * A freeze under a name that nobody knows would hold nothing, and whoever made it would not find out.
 *
 * @returns what is odd about it, in words: an environment may be one to come
 * @throws Refusal 422 where there is no such service or team, with the name that was probably meant
 */
export async function warningsOfScope(deps: Pick<Deps, 'config' | 'changes'>, scope: FreezeScope): Promise<string[]> {
  const config = await deps.config.current();
  const live = await deps.changes.live();
  const { service, team, environment } = scope;
  if (team !== null) refuseUnknownTeam(config, team);
  return [
    ...(service === null ? [] : ofService(config, service, new Set(live.map((change) => change.service)))),
    ...(environment === null
      ? []
      : ofEnvironment(environment, environmentsOf(config, new Set(live.map((change) => change.environment))))),
  ];
}

/** Where there is no catalogue, services are what CD systems call them. */
function ofService({ services, slos }: Config, service: string, deployed: ReadonlySet<string>): string[] {
  const known = new Set([...Object.keys(services), ...slos.map((slo) => slo.service), ...deployed]);
  if (known.has(service)) return [];
  const text = `nothing is known of a service ${JSON.stringify(service)}: the catalogue (config/services.yaml) does not have it, and no deployment of it is recorded`;
  if (known.size === 0) return [text];
  throw unknown('service', text, service, known);
}

function refuseUnknownTeam({ services }: Config, team: string): void {
  const teams = new Set(Object.keys(services).flatMap((name) => serviceEntry(services, name)?.team ?? []));
  if (teams.has(team)) return;
  throw unknown(
    'team',
    `no service of the catalogue (config/services.yaml) is of a team ${JSON.stringify(team)}`,
    team,
    teams,
  );
}

function ofEnvironment(environment: string, known: ReadonlySet<string>): string[] {
  if (known.has(environment)) return [];
  const meant = didYouMean(environment, known);
  return [
    `nothing is known of an environment ${JSON.stringify(environment)}, for which this holds all the same` +
      (meant === null ? '' : `; ${meant}`),
  ];
}

const environmentsOf = ({ services, slos, freeze }: Config, deployed: ReadonlySet<string>): Set<string> =>
  new Set([
    DEFAULT_ENVIRONMENT,
    ...Object.values(services).flatMap((entry) => Object.keys(entry.environments)),
    ...slos.map(({ environment }) => environment),
    ...freeze.policies.flatMap(({ match }) => match.environment ?? []),
    ...freeze.calendar.flatMap(({ environments }) => environments ?? []),
    ...deployed,
  ]);

function unknown(field: string, text: string, name: string, known: Iterable<string>): Refusal {
  const meant = didYouMean(name, known);
  return new Refusal(422, 'invalid', `json: ${field}: ${text}${meant === null ? '' : `; ${meant}`}`);
}
