import type { RollbackCall } from '../../domain/rollback/targets.ts';
import { refuse } from '../shared/refusals.ts';
import { type Calls } from './attempt.ts';
import { type Deployment, isDeploymentOf, readEnvironment, type VersionOrCommit } from './deployments/deployments.ts';
import type { GithubOptions } from './rest.ts';

/** The location of deployments: an environment of a repository. */
export type Site = GithubOptions & {
  /** `owner/name`. */
  repository: string;
  /** The name at GitHub. */
  environment: string;
};

export type EnvironmentState = { deployments: Deployment[]; running: Deployment };

export const goodVersionOf = ({ to, toCommit }: RollbackCall): VersionOrCommit => ({ version: to, commit: toCommit });
export const badVersionOf = ({ from, fromCommit }: RollbackCall): VersionOrCommit => ({
  version: from,
  commit: fromCommit,
});

/** Reads the running deployment and the others, finished and in progress. */
export async function readEnvironmentState(
  calls: Calls,
  { environment }: Pick<Site, 'environment'>,
  request: RollbackCall,
  wanted: readonly VersionOrCommit[] = [],
): Promise<EnvironmentState> {
  const { deployments, running } = await readEnvironment(calls, environment, wanted);
  if (running === undefined)
    throw refuse(
      `none of the newest deployments to ${environment} has succeeded, so GitHub can't tell what runs there`,
    );
  if (isDeploymentOf(goodVersionOf(request), running) && isDeploymentOf(badVersionOf(request), running))
    throw refuse(
      `${request.from} and ${request.to} are the same commit ${running.sha}, so a redeployment would change nothing`,
    );
  return { deployments, running };
}
