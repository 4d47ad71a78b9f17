import type { Statement } from './permissions.ts';

/** AWS targets of one stage, by their full ARNs. For their use, see docs/how-to/aws-targets.md */
export type AwsTargets = {
  /** Roles that deployers name as `roleArn`, in any account. */
  roles?: readonly string[];
  /**
   * Targets in Firebreak's own account, which are called without another role: Lambda functions, without a version, …
   */
  functions?: readonly string[];
  /** … ECS services, and the roles of their tasks (task role, execution role), which a rollback passes on, … */
  services?: readonly string[];
  taskRoles?: readonly string[];
  /** … and CodeDeploy deployment groups. */
  deploymentGroups?: readonly string[];
};

/** By stage. A stage that is not listed has no AWS targets. */
export const AWS_TARGETS: Readonly<Record<string, AwsTargets>> = {};

const FORMS: Readonly<Record<keyof AwsTargets, RegExp>> = {
  roles: /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
  functions: /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+$/,
  services: /^arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:service\/[\w-]+\/[\w-]+$/,
  taskRoles: /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
  deploymentGroups: /^arn:aws[a-z-]*:codedeploy:[a-z0-9-]+:\d{12}:deploymentgroup:[\w+=,.@-]+\/[\w+=,.@-]+$/,
};

/**
 * Returns the permissions that actions on the targets need, and none for absent kinds.
 *
 * @throws Error if an entry is not the ARN of one such resource: a pattern would allow more than intended
 */
export function ofTargets(targets: AwsTargets): Statement[] {
  for (const [kind, form] of Object.entries(FORMS)) {
    for (const arn of targets[kind as keyof AwsTargets] ?? []) {
      if (!form.test(arn))
        throw new Error(`infra/targets.ts: ${kind} contains "${arn}", which is not a valid ARN of this kind`);
    }
  }
  const { roles = [], functions = [], services = [], taskRoles = [], deploymentGroups = [] } = targets;
  return [
    ...(roles.length > 0 ? [{ actions: ['sts:AssumeRole'], resources: [...roles] }] : []),
    ...(functions.length > 0 ? [ofFunctions(functions)] : []),
    ...(services.length > 0 ? ofServices(services) : []),
    ...(taskRoles.length > 0 ? [ofTaskRoles(taskRoles)] : []),
    ...(deploymentGroups.length > 0 ? ofDeploymentGroups(deploymentGroups) : []),
  ];
}

const ofFunctions = (functions: readonly string[]): Statement => ({
  actions: ['GetAlias', 'UpdateAlias', 'ListVersionsByFunction', 'GetFunctionConfiguration'].map(
    (action) => `lambda:${action}`,
  ),
  resources: functions.flatMap((arn) => [arn, `${arn}:*`]),
});

/** Reading task definitions does not support resource-level permissions, so only the Region limits it. */
const ofServices = (services: readonly string[]): Statement[] => [
  { actions: ['ecs:DescribeServices', 'ecs:UpdateService'], resources: [...services] },
  {
    actions: ['ecs:DescribeTaskDefinition', 'ecs:ListTaskDefinitions'],
    resources: ['*'],
    conditions: [{ test: 'StringEquals', variable: 'aws:RequestedRegion', values: unique(services.map(regionOf)) }],
  },
];

const ofTaskRoles = (roles: readonly string[]): Statement => ({
  actions: ['iam:PassRole'],
  resources: [...roles],
  conditions: [{ test: 'StringEquals', variable: 'iam:PassedToService', values: ['ecs-tasks.amazonaws.com'] }],
});

const ofDeploymentGroups = (groups: readonly string[]): Statement[] => [
  {
    actions: ['ListDeployments', 'BatchGetDeployments', 'GetDeployment', 'CreateDeployment', 'StopDeployment'].map(
      (action) => `codedeploy:${action}`,
    ),
    resources: [...groups],
  },
  {
    actions: ['codedeploy:GetDeploymentConfig'],
    resources: unique(groups.map((arn) => arn.replace(/:deploymentgroup:.*$/, ':deploymentconfig:*'))),
  },
  {
    actions: ['codedeploy:GetApplicationRevision', 'codedeploy:RegisterApplicationRevision'],
    resources: unique(groups.map((arn) => arn.replace(/:deploymentgroup:([^/]+)\/.*$/, ':application:$1'))),
  },
];

const regionOf = (arn: string): string => arn.split(':')[3] ?? '';
const unique = (values: readonly string[]): string[] => [...new Set(values)];
