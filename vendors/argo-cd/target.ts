import { gitReverter } from '../github/revert.ts';
import { argoCdDeployer } from './deployer.ts';
import type { ClientsOf } from '../shared/rollback-target.ts';
import type { argoCd } from './schema.ts';

export const clients: ClientsOf<typeof argoCd> = {
  deployers: {
    async 'argo-cd'(config, context) {
      const git = config.git && gitReverter(config.git, await context.github.forRepository(config.git.repository));
      return argoCdDeployer(config, { ...context, git });
    },
  },
  flags: {},
};
