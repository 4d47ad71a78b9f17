import type { Place } from '../../../domain/ports.ts';
import { repositoryName } from '../../../integrations/github/rest.ts';
import type { Config, ServiceEntry } from '../../../schemas/config.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/names.ts';
import type { WaitingGate } from '../../../schemas/waiting-gate.ts';

type Site = Pick<WaitingGate, 'repository' | 'environment'>;

/**
 * What a deployment to an environment of a repository puts live. Deployers of `kind: github` say which services; of the
 * others, all of the repository are, in the environment of the same name. A repository that the catalogue does not know
 * is a service of its own name, about which policy has a rule, too.
 */
export function placesOf(services: Config['services'], site: Site): Place[] {
  const places = Object.entries(services).flatMap(([service, entry]) =>
    environmentsOf(entry, site).map((environment) => ({
      service: ServiceName.parse(service),
      environment: EnvironmentName.parse(environment),
    })),
  );
  return places.length > 0 ? places : [unknownPlace(site)];
}

/** Environments of ours that a service has there. */
function environmentsOf({ repository, environments }: ServiceEntry, site: Site): string[] {
  const own = repositoryName(repository ?? '');
  const deployed = Object.entries(environments).flatMap(([name, { deployer }]) =>
    deployer?.kind === 'github' && same(deployer.repository ?? own, site.repository)
      ? [{ name, there: deployer.environment ?? name }]
      : [],
  );
  const named = deployed.filter(({ there }) => same(there, site.environment)).map(({ name }) => name);
  if (named.length > 0) return named;
  // Of several services in one repository each may have environments of its own there; this is another's.
  const isElsewhere = deployed.some(({ name, there }) => !same(name, there));
  if (isElsewhere || !same(own, site.repository)) return [];
  return [Object.keys(environments).find((name) => same(name, site.environment)) ?? site.environment];
}

/** GitHub tells names of repositories and environments apart without their case. */
const same = (one: string | undefined, other: string): boolean => one?.toLowerCase() === other.toLowerCase();

const unknownPlace = ({ repository, environment }: Site): Place => ({
  service: ServiceName.parse(repository.split('/').at(-1) ?? repository),
  environment: EnvironmentName.parse(environment),
});
