import { gitReverter } from '../github/revert/revert.ts';
import type { Deployers } from '../shared/rollback-target.ts';
import { argoCdDeployer } from './deployer.ts';

export const argoCdDeployers: Deployers<'argo-cd'> = {
  async 'argo-cd'(config, context) {
    const git = config.git && gitReverter(config.git, await context.github.forRepository(config.git.repository));
    return argoCdDeployer(config, { ...context, git });
  },
};
