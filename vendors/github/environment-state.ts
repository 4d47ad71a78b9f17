import type { RollbackCall } from '../../core/domain/rollback/targets.ts';
import { refuse } from '../shared/refusals.ts';
import { type Calls } from './attempt.ts';
import { fromVersion, toVersion, type VersionOrCommit } from '../shared/versions.ts';
import { type Deployment, isDeploymentOf, readEnvironment } from './deployments/deployments.ts';
import type { GithubOptions } from './rest.ts';

/** An environment of a repository, which has the deployments, and the access to GitHub. */
export type GithubEnvironment = GithubOptions & {
  /** `owner/name`. */
  repository: string;
  /** The name at GitHub. */
  environment: string;
};

/** The newest deployments of an environment, finished and in progress, and the one that runs. */
export type EnvironmentState = { deployments: Deployment[]; running: Deployment };

/** Reads the running deployment and the others, finished and in progress. */
export async function readEnvironmentState(
  calls: Calls,
  { environment }: Pick<GithubEnvironment, 'environment'>,
  request: RollbackCall,
  wanted: readonly VersionOrCommit[] = [],
): Promise<EnvironmentState> {
  const { deployments, running } = await readEnvironment(calls, environment, wanted);
  if (running === undefined)
    throw refuse(
      `none of the newest deployments to ${environment} has succeeded, so GitHub can't tell what runs there`,
    );
  if (isDeploymentOf(toVersion(request), running) && isDeploymentOf(fromVersion(request), running))
    throw refuse(
      `${request.from} and ${request.to} are the same commit ${running.sha}, so a redeployment would change nothing`,
    );
  return { deployments, running };
}
