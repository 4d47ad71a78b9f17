import {
  CodeDeployClient,
  CreateDeploymentCommand,
  type DeploymentInfo,
  GetDeploymentCommand,
  type RevisionLocation,
  StopDeploymentCommand,
} from '@aws-sdk/client-codedeploy';
import type { Clock } from '../../core/domain/ports/system.ts';
import type { TargetResponse, Deployer, RollbackCall } from '../../core/domain/rollback/targets.ts';
import type { CodeDeployDeployer } from './schema.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { accountAndRegionOf, type AwsAccess, cachedByAccess } from './access.ts';
import { type AwsCall, attempt, refuse } from './attempt.ts';
import { appSpecToRestore } from './codedeploy-appspec.ts';
import { type History, openHistory } from './codedeploy-history.ts';
import { severalCommits, showDifferentCommits } from '../shared/shown-commits.ts';
import { appSpecOf, commitsShownBy, descriptionOf, isOurs, labelOf, whichDeployment } from './codedeploy-naming.ts';

const clientAt = cachedByAccess((settings) => new CodeDeployClient(settings));

/** Milliseconds after a stopped deployment in which CodeDeploy can start its automatic rollback. */
const AUTO_ROLLBACK_START_MS = 30_000;

/**
 * Creates a deployer for a CodeDeploy deployment group. A rollback is a deployment of an earlier deployment's revision,
 * with Firebreak's key in its description, by which a repeat finds it. A running deployment is stopped, and CodeDeploy
 * rolls it back.
 */
export function codeDeployDeployer(
  config: CodeDeployDeployer,
  { access, clock }: { access: AwsAccess; clock: Clock },
): Deployer {
  const client = clientAt(access);
  const group = { applicationName: config.application, deploymentGroupName: config.deploymentGroup };
  const name = `${config.application}/${config.deploymentGroup}`;

  const rollBack = async (request: RollbackCall, call: AwsCall): Promise<TargetResponse> => {
    const history = openHistory(client, group, call);
    const recent = await history.recent();
    const newest = recent[0] ?? refuse(`nothing was ever deployed to ${name}`);
    const ownDeployment = recent.find((deployment) => isOurs(deployment, request.key));
    if (ownDeployment && (ownDeployment === newest || !hasSucceeded(ownDeployment))) return progressOf(ownDeployment);
    if (isInProgress(newest)) return duringDeployment(newest, request, history, call);
    if (hasSucceeded(newest)) {
      const runs = whichDeployment(newest, request);
      if (runs === 'to') return progressOf(newest);
      return runs === 'from' ? deploy(newest, request, history, call) : superseded(newest);
    }
    return afterFailure(newest, request, history, call);
  };

  /** Handles a running deployment. */
  const duringDeployment = async (
    newest: DeploymentInfo,
    request: RollbackCall,
    history: History,
    call: AwsCall,
  ): Promise<TargetResponse> => {
    const id = newest.deploymentId ?? null;
    const goesTo = whichDeployment(newest, request);
    if (goesTo === 'to') return progressOf(newest);
    if (goesTo === undefined) return { kind: 'busy', detail: `${id ?? ''} is deploying ${labelOf(newest)}` };
    const lastSuccess = await history.find(hasSucceeded);
    if (lastSuccess === undefined || whichDeployment(lastSuccess, request) !== 'to')
      return {
        kind: 'busy',
        detail: `${id ?? ''} is deploying ${request.from}, and stopping it would go back to ${
          lastSuccess ? labelOf(lastSuccess) : 'nothing'
        } rather than to ${request.to}; it has to end first`,
      };
    const command = new StopDeploymentCommand({ deploymentId: id ?? '', autoRollbackEnabled: true });
    await call((options) => client.send(command, options));
    return { kind: 'in_progress', id, handle: null }; // the same call finds the rollback deployment
  };

  /** Handles a failed or stopped last deployment. Some instances can run its revision. */
  const afterFailure = async (
    newest: DeploymentInfo,
    request: RollbackCall,
    history: History,
    call: AwsCall,
  ): Promise<TargetResponse> => {
    const attempted = whichDeployment(newest, request);
    if (attempted === 'to' && newest.creator === 'codeDeployRollback') return progressOf(newest);
    const endedMillis = newest.completeTime?.getTime() ?? 0;
    if (
      attempted === 'from' &&
      newest.status === 'Stopped' &&
      millisOf(clock.now()) - endedMillis < AUTO_ROLLBACK_START_MS
    )
      return { kind: 'in_progress', id: newest.deploymentId ?? null, handle: null };
    const lastSuccess = await history.find(hasSucceeded);
    if (attempted !== 'from' && (lastSuccess === undefined || whichDeployment(lastSuccess, request) !== 'from'))
      return superseded(lastSuccess ?? newest);
    return deploy(newest, request, history, call);
  };

  const deploy = async (
    running: DeploymentInfo,
    request: RollbackCall,
    history: History,
    call: AwsCall,
  ): Promise<TargetResponse> => {
    const isGood = (deployment: DeploymentInfo): boolean =>
      hasSucceeded(deployment) && deployment.revision !== undefined && whichDeployment(deployment, request) === 'to';
    const goodDeployment = await history.find(isGood);
    if (goodDeployment !== undefined && request.toCommit === null) {
      const shown = commitsShownBy(goodDeployment, request);
      const isOther = (other: DeploymentInfo): boolean =>
        isGood(other) && showDifferentCommits([shown, commitsShownBy(other, request)]);
      if (shown.length > 0 && (await history.find(isOther))) return refuse(severalCommits(request.to));
    }
    if (goodDeployment === undefined)
      return refuse(
        `no recent successful deployment to ${name} put ${request.to} live, according to the revisions ` +
          'and descriptions',
      );
    const command = new CreateDeploymentCommand({
      ...group,
      revision: revisionBackTo(goodDeployment, running),
      description: descriptionOf(request),
      ...(goodDeployment.computePlatform === 'Server' && {
        // Failures of the bad version's own stop scripts must not block the rollback.
        ignoreApplicationStopFailures: true,
        ...(goodDeployment.fileExistsBehavior !== undefined && {
          fileExistsBehavior: goodDeployment.fileExistsBehavior,
        }),
      }),
    });
    const { deploymentId = null } = await call((options) => client.send(command, options));
    return { kind: 'in_progress', id: deploymentId, handle: deploymentId };
  };

  return {
    target: `CodeDeploy ${name}`,
    resource: `codedeploy ${JSON.stringify([...accountAndRegionOf(access), config.application, config.deploymentGroup])}`,
    effectClass: 'findable',
    rollBack: (request) => attempt('CodeDeploy', (call) => rollBack(request, call)),
    status: (handle) =>
      attempt('CodeDeploy', async (call) => {
        const command = new GetDeploymentCommand({ deploymentId: handle });
        const { deploymentInfo } = await call((options) => client.send(command, options));
        return progressOf(deploymentInfo ?? refuse(`CodeDeploy has no deployment ${handle}`));
      }),
    async checkDrift(request) {
      const newest = await attempt('CodeDeploy', async (call) => {
        const [first] = await openHistory(client, group, call).recent();
        return first ?? refuse(`nothing was ever deployed to ${name}`);
      });
      if ('kind' in newest) return { kind: 'unknown', detail: newest.detail };
      const holds = !hasFailed(newest) && (isOurs(newest, request.key) || whichDeployment(newest, request) === 'to');
      return holds
        ? { kind: 'holds' }
        : { kind: 'drifted', detail: `${newest.deploymentId ?? ''} (${newest.status}) deploys ${labelOf(newest)}` };
    },
  };
}

const hasSucceeded = ({ status }: DeploymentInfo): boolean => status === 'Succeeded';
const hasFailed = ({ status }: DeploymentInfo): boolean => status === 'Failed' || status === 'Stopped';
const isInProgress = (deployment: DeploymentInfo): boolean => !hasSucceeded(deployment) && !hasFailed(deployment);

const superseded = (by: DeploymentInfo): TargetResponse => ({ kind: 'superseded', current: labelOf(by) });

/**
 * Returns the progress. `Ready` means that the deployment waits for a person to reroute the traffic, if the group is
 * configured so.
 */
function progressOf(deployment: DeploymentInfo): TargetResponse {
  const { deploymentId: id = null, status, errorInformation, rollbackInfo } = deployment;
  if (hasSucceeded(deployment)) return { kind: 'succeeded', id };
  if (isInProgress(deployment)) return { kind: 'in_progress', id, handle: id };
  const text = [errorInformation?.code, errorInformation?.message].filter((part) => part !== undefined).join(': ');
  const rollbackId = rollbackInfo?.rollbackDeploymentId;
  return {
    kind: 'failed',
    detail: `the deployment ${id ?? ''} ${status === 'Stopped' ? 'was stopped' : 'failed'}: ${text || 'no reason given'}${
      rollbackId === undefined ? '' : `; CodeDeploy rolled back with ${rollbackId}`
    }`,
  };
}

/** Returns the revision of the good deployment, for Lambda with the AppSpec adapted to the current alias. */
function revisionBackTo(goodDeployment: DeploymentInfo, running: DeploymentInfo): RevisionLocation {
  const { revision = {}, computePlatform } = goodDeployment;
  if (computePlatform !== 'Lambda') return revision;
  const goodAppSpec = appSpecOf(revision);
  const runningAppSpec = appSpecOf(running.revision);
  if (goodAppSpec === undefined || runningAppSpec === undefined)
    refuse('its AppSpec is not part of the deployment, so the version of the alias cannot be changed in it');
  if (!hasSucceeded(running))
    refuse(`${running.deploymentId ?? 'the last deployment'} ended halfway, so the version of the alias is unknown`);
  const appSpecContent = appSpecToRestore(goodAppSpec, runningAppSpec);
  if (appSpecContent === undefined)
    refuse(`the AppSpec of ${running.deploymentId ?? 'the last deployment'} does not contain the version of the alias`);
  return { revisionType: 'AppSpecContent', appSpecContent };
}
