import type { Deployers } from '../shared/rollback-target.ts';

/** Loads the code if such a target is configured. */
export const argoCdDeployers: Deployers<'argo-cd'> = {
  async 'argo-cd'(config, context) {
    const { argoCdDeployer } = await import('./deployer.ts');
    const { gitReverter } = await import('../github/revert/revert.ts');
    const git = config.git && gitReverter(config.git, await context.github.forRepository(config.git.repository));
    return argoCdDeployer(config, { ...context, git });
  },
};
