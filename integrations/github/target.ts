import type { Deployers } from '../shared/rollback-target.ts';
import { githubDeployer } from './deployer.ts';
import { repositoryName } from './rest.ts';

export const githubDeployers: Deployers<'github'> = {
  async github(entry, { serviceEnvironment: { service, environment }, config, github }) {
    const { services } = await config.current();
    const repository = entry.repository ?? repositoryName(services[service]?.repository ?? '');
    if (repository === undefined) return undefined;
    return githubDeployer(entry, {
      repository,
      environment: entry.environment ?? environment,
      ...(await github.forRepository(repository, entry.auth?.bearer)),
    });
  },
};
