import * as z from 'zod';
import {
  type Deployment,
  type DeploymentGroup,
  deploymentId,
  type Deployments,
  deploymentSeq,
  openDeployments,
  Revision,
} from './deployments.ts';
import { type AwsOperations, rolloutMillis } from './ecs.ts';
import { AwsRefusal } from './refusal.ts';
import type { StandInDeps } from '../core/stand-in.ts';

const GroupNames = z.object({ applicationName: z.string(), deploymentGroupName: z.string() });

const CreateDeployment = GroupNames.extend({
  revision: Revision,
  description: z.string().nullish(),
  fileExistsBehavior: z.string().nullish(),
});

const ListDeployments = GroupNames.extend({
  includeOnlyStatuses: z.array(z.string()).nullish(),
  nextToken: z.string().nullish(),
});

const BatchGetDeployments = z.object({ deploymentIds: z.array(z.string()) });
const GetDeployment = z.object({ deploymentId: z.string() });
const StopDeployment = GetDeployment.extend({ autoRollbackEnabled: z.boolean().nullish() });

const BATCH_MAX = 25;
const PAGE_SIZE = 100;
const DESCRIPTION_MAX_CHARS = 256;

/**
 * Deployments of CodeDeploy on all three compute platforms. Each group runs one deployment at a time.
 *
 * @see https://docs.aws.amazon.com/codedeploy/latest/APIReference/ (read 2026-11)
 */
export function codeDeployApi(deps: StandInDeps): AwsOperations {
  const deployments = openDeployments(deps.db);
  const times = { now: deps.now(), rolloutMs: rolloutMillis(deps) };
  deployments.settle(times);
  const json = (deployment: Deployment) => deploymentJson(deployment, groupOf(deployments, deployment));
  return {
    CreateDeployment(input) {
      const { revision, description, fileExistsBehavior, ...of } = CreateDeployment.parse(input);
      const group = requireGroup(deployments, of);
      if ((description ?? '').length > DESCRIPTION_MAX_CHARS)
        throw new AwsRefusal('DescriptionTooLongException', 'The description is too long.');
      if (deployments.inGroup(group).some(({ status }) => status === 'InProgress'))
        throw new AwsRefusal(
          'DeploymentLimitExceededException',
          `The Deployment Group '${group.name}' already has an active Deployment`,
        );
      const begun = deployments.begin(
        group,
        { revision, description: description ?? null, creator: 'user', file_exists: fileExistsBehavior ?? null },
        times,
      );
      const fault =
        group.platform === 'Lambda' ? lambdaRevisionError(revision, deployments.inGroup(group).slice(1)) : undefined;
      if (fault !== undefined) deployments.end(begun, 'Failed', `INVALID_LAMBDA_CONFIGURATION: ${fault}`, times.now);
      return { deploymentId: deploymentId(begun.seq) };
    },
    GetDeployment: (input) => ({
      deploymentInfo: json(requireDeployment(deployments, GetDeployment.parse(input).deploymentId)),
    }),
    BatchGetDeployments(input) {
      const { deploymentIds } = BatchGetDeployments.parse(input);
      if (deploymentIds.length > BATCH_MAX)
        throw new AwsRefusal('BatchLimitExceededException', 'The maximum number of names or IDs was exceeded.');
      return { deploymentsInfo: deploymentIds.map((id) => json(requireDeployment(deployments, id))) };
    },
    ListDeployments(input) {
      const { includeOnlyStatuses, nextToken, ...of } = ListDeployments.parse(input);
      const all = deployments
        .inGroup(requireGroup(deployments, of))
        .filter(({ status }) => !includeOnlyStatuses?.length || includeOnlyStatuses.includes(status));
      const from = Number(nextToken ?? 0);
      return {
        deployments: all.slice(from, from + PAGE_SIZE).map(({ seq }) => deploymentId(seq)),
        ...(from + PAGE_SIZE < all.length && { nextToken: String(from + PAGE_SIZE) }),
      };
    },
    StopDeployment(input) {
      const { deploymentId: id, autoRollbackEnabled } = StopDeployment.parse(input);
      const deployment = requireDeployment(deployments, id);
      if (deployment.status !== 'InProgress')
        throw new AwsRefusal('DeploymentAlreadyCompletedException', 'The deployment is already complete.');
      deployments.end(deployment, 'Stopped', 'MANUAL_STOP: The deployment was stopped by a user.', times.now);
      if (autoRollbackEnabled === true) deployments.rollBack(deployment, times);
      return { status: 'Succeeded', statusMessage: 'No more commands will be scheduled for execution.' };
    },
  };
}

function requireGroup(deployments: Deployments, of: z.infer<typeof GroupNames>): DeploymentGroup {
  const group = deployments.group(of.applicationName, of.deploymentGroupName);
  if (group) return group;
  const applicationExists = deployments.groups().some(({ application }) => application === of.applicationName);
  throw applicationExists
    ? new AwsRefusal(
        'DeploymentGroupDoesNotExistException',
        `No Deployment Group found for name: ${of.deploymentGroupName}`,
      )
    : new AwsRefusal('ApplicationDoesNotExistException', `No application found for name: ${of.applicationName}`);
}

function requireDeployment(deployments: Deployments, id: string): Deployment {
  const seq = deploymentSeq(id);
  const deployment = seq === undefined ? undefined : deployments.bySeq(seq);
  if (deployment) return deployment;
  throw new AwsRefusal('DeploymentDoesNotExistException', `The deployment ${id} could not be found`);
}

const groupOf = (deployments: Deployments, { application, grp }: Deployment): DeploymentGroup | undefined =>
  deployments.group(application, grp);

/** Returns an error text unless `CurrentVersion` is the version of the alias and `TargetVersion` is another version. */
function lambdaRevisionError(revision: Revision, earlierDeployments: readonly Deployment[]): string | undefined {
  const versions = versionsOf(revision);
  const live = earlierDeployments.find(({ status }) => status === 'Succeeded');
  if (versions === undefined) return 'The AppSpec file is missing or has an invalid configuration.';
  if (versions.current === versions.target) return 'CurrentVersion and TargetVersion are the same.';
  const aliasVersion = live && versionsOf(live.revision)?.target;
  return aliasVersion === undefined || aliasVersion === versions.current
    ? undefined
    : `The alias points at version ${aliasVersion}, not at CurrentVersion ${versions.current}.`;
}

/** Returns the versions in an AppSpec in JSON or YAML, in any capitalization of its keys. */
function versionsOf(revision: Revision): { current: string; target: string } | undefined {
  if (revision.revisionType !== 'AppSpecContent') return undefined;
  const { content } = revision.appSpecContent;
  const read = (key: string) => new RegExp(`${key}"?\\s*:\\s*"?(\\d+)`, 'i').exec(content)?.[1];
  const [current, target] = [read('CurrentVersion'), read('TargetVersion')];
  return current === undefined || target === undefined ? undefined : { current, target };
}

function deploymentJson(deployment: Deployment, group: DeploymentGroup | undefined): object {
  const { seq, application, grp, revision, description, creator, status, error } = deployment;
  const [, code, message] = /^(\w+): (.*)$/s.exec(error ?? '') ?? [];
  const { rollback_of: of, rolled_back_by: by } = deployment;
  return {
    applicationName: application,
    deploymentGroupName: grp,
    deploymentConfigName: 'CodeDeployDefault.AllAtOnce',
    deploymentId: deploymentId(seq),
    revision,
    status,
    ...(code !== undefined && { errorInformation: { code, message } }),
    createTime: deployment.created_at / 1000,
    startTime: deployment.created_at / 1000,
    ...(status !== 'InProgress' && { completeTime: deployment.ends_at / 1000 }),
    ...(description !== null && { description }),
    creator,
    ignoreApplicationStopFailures: false,
    updateOutdatedInstancesOnly: false,
    ...(deployment.file_exists !== null && { fileExistsBehavior: deployment.file_exists }),
    ...((of !== null || by !== null) && {
      rollbackInfo: {
        ...(of !== null && { rollbackTriggeringDeploymentId: deploymentId(of) }),
        ...(by !== null && { rollbackDeploymentId: deploymentId(by) }),
      },
    }),
    computePlatform: group?.platform ?? 'Server',
  };
}
