import type { Statement } from './permissions.ts';

/** Targets on AWS of one stage, each by its whole ARN. What they are for: docs/aws-targets.md */
export type AwsTargets = {
  /** Roles that deployers name as `roleArn`, in whichever account. */
  roles?: readonly string[];
  /** The rest is called as Firebreak itself, in its own account: Lambda functions, without a version, … */
  functions?: readonly string[];
  /** … services of ECS, and the roles of their tasks (task role, execution role), which a rollback hands on, … */
  services?: readonly string[];
  taskRoles?: readonly string[];
  /** … and deployment groups of CodeDeploy. */
  deploymentGroups?: readonly string[];
};

/** By stage. A stage that is not here acts upon nothing on AWS. */
export const AWS_TARGETS: Readonly<Record<string, AwsTargets>> = {};

const FORMS: Readonly<Record<keyof AwsTargets, RegExp>> = {
  roles: /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
  functions: /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+$/,
  services: /^arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:service\/[\w-]+\/[\w-]+$/,
  taskRoles: /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
  deploymentGroups: /^arn:aws[a-z-]*:codedeploy:[a-z0-9-]+:\d{12}:deploymentgroup:[\w+=,.@-]+\/[\w+=,.@-]+$/,
};

/**
 * What acting upon them needs, and nothing for what is not there.
 *
 * @throws Error when something is not the ARN of one such resource: a pattern would allow more than is meant
 */
export function ofTargets(targets: AwsTargets): Statement[] {
  for (const [kind, form] of Object.entries(FORMS)) {
    for (const arn of targets[kind as keyof AwsTargets] ?? []) {
      if (!form.test(arn)) throw new Error(`infra/targets.ts: ${kind} has "${arn}", which is not the ARN of one`);
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

/** Reading definitions of tasks knows no resources, so the Region is what limits it. */
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
