import type { Deployer, DriftCheck, RollbackCall } from '../../core/domain/rollback/targets.ts';
import type { GithubDeployer, GitRevert } from './schema.ts';
import { attempt } from './attempt.ts';
import { isDeploymentOf, displayName } from './deployments/deployments.ts';
import { readEnvironmentState, type GithubEnvironment } from './environment-state.ts';
import { viaRerun } from './deployments/via-rerun.ts';
import { revertCommit, viaRevert } from './revert/via-revert.ts';
import { toVersion } from '../shared/versions.ts';

/**
 * Creates a deployer for a service that GitHub Actions, or another tool that creates GitHub deployments, deploys
 * (docs/how-to/github.md).
 */
export function githubDeployer(config: GithubDeployer, target: GithubEnvironment): Deployer {
  const { repository, environment } = target;
  const git = config.via === 'revert' ? gitOf(config, repository) : undefined;
  return {
    target: `GitHub ${repository}, environment ${environment}`,
    // One run can deploy several services.
    resource: `github ${JSON.stringify([repository.toLowerCase(), environment.toLowerCase()])}`,
    effectClass: 'findable',
    ...(git === undefined ? viaRerun(target) : viaRevert(target, git)),
    checkDrift: (request) => checkDrift(target, git, request),
  };
}

const gitOf = ({ branch, path, mode }: GithubDeployer, repository: string): GitRevert => ({
  repository,
  branch,
  mode,
  ...(path !== undefined && { path }),
});

async function checkDrift(
  target: GithubEnvironment,
  git: GitRevert | undefined,
  request: RollbackCall,
): Promise<DriftCheck> {
  const checked = await attempt<DriftCheck>(target, target.repository, async (calls) => {
    const { running } = await readEnvironmentState(calls, target, request);
    if (isDeploymentOf(toVersion(request), running)) return { kind: 'holds' };
    if (git !== undefined && running.sha === (await revertCommit(calls, git, request))) return { kind: 'holds' };
    return { kind: 'drifted', detail: `${displayName(running)} runs in ${target.environment}` };
  });
  return 'detail' in checked && checked.kind !== 'drifted' ? { kind: 'unknown', detail: checked.detail } : checked;
}
