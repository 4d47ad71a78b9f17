import type { Deployers } from '../shared/rollback-target.ts';
import { repositoryName } from './rest.ts';

/** Loads the code if such a target is configured. */
export const githubDeployers: Deployers<'github'> = {
  async github(entry, { serviceEnvironment: { service, environment }, config, github }) {
    const { services } = await config.current();
    const repository = entry.repository ?? repositoryName(services[service]?.repository ?? '');
    if (repository === undefined) return undefined;
    const { githubDeployer } = await import('./deployer.ts');
    return githubDeployer(entry, {
      repository,
      environment: entry.environment ?? environment,
      ...(await github.forRepository(repository, entry.auth?.bearer)),
    });
  },
};
