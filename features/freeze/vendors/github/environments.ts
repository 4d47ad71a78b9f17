import type { ServiceEnvironment } from '../../../../core/domain/ports/common.ts';
import { repositoryName } from '../../../../vendors/github/rest.ts';
import type { Config, ServiceEntry } from '../../../../schemas/config/config.ts';
import { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import type { WaitingDeployment } from '../../schemas/waiting-deployment.ts';

type GithubTarget = Pick<WaitingDeployment, 'repository' | 'environment'>;

/**
 * Returns the services and environments that a deployment to a GitHub environment changes. Deployers of `kind: github`
 * and `sources.github` define the mapping. Other services of the repository map to the environment of the same name, unless
 * they have separate GitHub environments; if no service is left, all services of the repository map to it. A repository that
 * is not in the catalogue counts as a service with the repository's name, to which the policy for unknown services applies.
 */
export function serviceEnvironmentsOf(services: Config['services'], target: GithubTarget): ServiceEnvironment[] {
  const environmentsBy = (find: typeof environmentsOf): ServiceEnvironment[] =>
    Object.entries(services).flatMap(([service, entry]) =>
      find(entry, target).map((environment) => ({
        service: ServiceName.parse(service),
        environment: EnvironmentName.parse(environment),
      })),
    );
  const candidates = [environmentsBy(environmentsOf), environmentsBy(sameNameOf)];
  return candidates.find((found) => found.length > 0) ?? [unknownServiceEnvironment(target)];
}

/** Returns the environments of a service that this GitHub environment deploys. */
function environmentsOf(entry: ServiceEntry, target: GithubTarget): string[] {
  const own = repositoryOf(entry);
  const deployed = Object.entries(entry.environments).flatMap(([name, { deployer, sources }]) => {
    const listed = same(own, target.repository) ? sources?.github?.environment : undefined;
    const isDeployed = deployer?.kind === 'github' && same(deployer.repository ?? own, target.repository);
    const githubNames = [...(listed ?? []), ...(isDeployed ? [deployer.environment ?? name] : [])];
    return githubNames.map((githubName) => ({ name, githubName }));
  });
  const named = deployed.filter(({ githubName }) => same(githubName, target.environment)).map(({ name }) => name);
  if (named.length > 0) return [...new Set(named)];
  // Services in one repository can have separate GitHub environments. This one belongs to another service.
  const sameName = Object.keys(entry.environments).find((name) => same(name, target.environment));
  const isElsewhere = deployed.some(({ name, githubName }) =>
    sameName === undefined ? !same(name, githubName) : name === sameName,
  );
  return isElsewhere ? [] : sameNameOf(entry, target);
}

/** Returns the environment of the same name, if the service is of this repository. */
const sameNameOf = (entry: ServiceEntry, { repository, environment }: GithubTarget): string[] =>
  same(repositoryOf(entry), repository)
    ? [Object.keys(entry.environments).find((name) => same(name, environment)) ?? environment]
    : [];

const repositoryOf = ({ repository }: ServiceEntry): string | undefined => repositoryName(repository ?? '');

/** Compares names as GitHub does: names of repositories and environments are not case-sensitive. */
const same = (one: string | undefined, other: string): boolean => one?.toLowerCase() === other.toLowerCase();

const unknownServiceEnvironment = ({ repository, environment }: GithubTarget): ServiceEnvironment => ({
  service: ServiceName.parse(repository.split('/').at(-1) ?? repository),
  environment: EnvironmentName.parse(environment),
});
