/** AWS targets of one stage, by their full ARNs. For their use, see docs/how-to/aws-targets.md */
export type AwsTargets = {
  /** Roles that deployers name as `roleArn`, in any account. */
  roles?: readonly string[];
  /** Lambda functions, without a version. These and all further targets are in Firebreak's own account and need no role. */
  functions?: readonly string[];
  /** ECS services. */
  services?: readonly string[];
  /** Task roles and execution roles of the ECS services, which a rollback passes on. */
  taskRoles?: readonly string[];
  /** CodeDeploy deployment groups. */
  deploymentGroups?: readonly string[];
  /** Hosted zones of Route 53 whose weighted records shift traffic. */
  hostedZones?: readonly string[];
};

type Statement = {
  actions: string[];
  resources: string[];
  conditions?: { test: string; variable: string; values: string[] }[];
};

/**
 * The format of each kind of ARN, and the permissions that the deployers in this folder need on such targets. A deployer
 * that makes a new call needs its permission in this list. `sst.config.ts` loads this file, so it imports nothing.
 */
const KINDS: Readonly<
  Record<keyof AwsTargets, { arnPattern: RegExp; statements(arns: readonly string[]): Statement[] }>
> = {
  roles: {
    arnPattern: /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
    statements: (arns) => [{ actions: ['sts:AssumeRole'], resources: [...arns] }],
  },
  functions: {
    arnPattern: /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+$/,
    statements: (arns) => [
      {
        actions: ['GetAlias', 'UpdateAlias', 'ListVersionsByFunction', 'GetFunctionConfiguration'].map(
          (action) => `lambda:${action}`,
        ),
        resources: arns.flatMap((arn) => [arn, `${arn}:*`]),
      },
    ],
  },
  services: {
    arnPattern: /^arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:service\/[\w-]+\/[\w-]+$/,
    statements: (arns) => [
      { actions: ['ecs:DescribeServices', 'ecs:UpdateService'], resources: [...arns] },
      // Reading task definitions does not support resource-level permissions, so only the Region limits it.
      {
        actions: ['ecs:DescribeTaskDefinition', 'ecs:ListTaskDefinitions'],
        resources: ['*'],
        conditions: [{ test: 'StringEquals', variable: 'aws:RequestedRegion', values: unique(arns.map(regionOf)) }],
      },
    ],
  },
  taskRoles: {
    arnPattern: /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
    statements: (arns) => [
      {
        actions: ['iam:PassRole'],
        resources: [...arns],
        conditions: [{ test: 'StringEquals', variable: 'iam:PassedToService', values: ['ecs-tasks.amazonaws.com'] }],
      },
    ],
  },
  deploymentGroups: {
    arnPattern: /^arn:aws[a-z-]*:codedeploy:[a-z0-9-]+:\d{12}:deploymentgroup:[\w+=,.@-]+\/[\w+=,.@-]+$/,
    statements: (arns) => [
      {
        actions: ['ListDeployments', 'BatchGetDeployments', 'GetDeployment', 'CreateDeployment', 'StopDeployment'].map(
          (action) => `codedeploy:${action}`,
        ),
        resources: [...arns],
      },
      {
        actions: ['codedeploy:GetDeploymentConfig'],
        resources: unique(arns.map((arn) => arn.replace(/:deploymentgroup:.*/, ':deploymentconfig:*'))),
      },
      {
        actions: ['codedeploy:GetApplicationRevision', 'codedeploy:RegisterApplicationRevision'],
        resources: unique(arns.map((arn) => arn.replace(/:deploymentgroup:([^/:]+)\/.*/, ':application:$1'))),
      },
    ],
  },
  hostedZones: {
    arnPattern: /^arn:aws:route53:::hostedzone\/[A-Z0-9]+$/,
    statements: (arns) => [
      { actions: ['route53:ListResourceRecordSets', 'route53:ChangeResourceRecordSets'], resources: [...arns] },
      { actions: ['route53:GetChange'], resources: ['arn:aws:route53:::change/*'] },
    ],
  },
};

/**
 * Returns the permissions that actions on the targets need, and none for absent kinds.
 *
 * @throws Error if an ARN is not that of one such resource: an ARN with a wildcard would allow more than intended
 */
export const permissionsFor = (targets: AwsTargets): Statement[] =>
  (Object.keys(KINDS) as (keyof AwsTargets)[]).flatMap((kind) => {
    const { arnPattern, statements } = KINDS[kind];
    const arns = targets[kind] ?? [];
    const invalid = arns.find((arn) => !arnPattern.test(arn));
    if (invalid !== undefined)
      throw new Error(
        `targets in the file of the stage: ${kind} contains "${invalid}", which is not a valid ARN of this kind`,
      );
    return arns.length > 0 ? statements(arns) : [];
  });

const regionOf = (arn: string): string => arn.split(':')[3] ?? '';
const unique = (values: readonly string[]): string[] => [...new Set(values)];
