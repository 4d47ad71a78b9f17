import type { ClientsOf } from '../shared/rollback-target.ts';
import { githubDeployer } from './deployer.ts';
import { repositoryName } from './rest.ts';
import type { github } from './schema.ts';

export const clients: ClientsOf<typeof github> = {
  deployers: {
    async github(entry, { serviceEnvironment: { service, environment }, config, github: access }) {
      const { services } = await config.current();
      const repository = entry.repository ?? repositoryName(services[service]?.repository ?? '');
      if (repository === undefined) return undefined;
      return githubDeployer(entry, {
        repository,
        environment: entry.environment ?? environment,
        ...(await access.forRepository(repository, entry.auth?.bearer)),
      });
    },
  },
  flags: {},
};
