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
  /** … CodeDeploy deployment groups, … */
  deploymentGroups?: readonly string[];
  /** … and hosted zones of Route 53 whose weighted records shift traffic. */
  hostedZones?: readonly string[];
};

type Statement = {
  actions: string[];
  resources: string[];
  conditions?: { test: string; variable: string; values: string[] }[];
};

/**
 * The form of an ARN, and the permissions that the deployers here need on such targets. Beside them, because who adds a
 * call adds its permission. `sst.config.ts` loads this file, so it imports nothing.
 */
const KINDS: Readonly<Record<keyof AwsTargets, { form: RegExp; on(arns: readonly string[]): Statement[] }>> = {
  roles: {
    form: /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
    on: (arns) => [{ actions: ['sts:AssumeRole'], resources: [...arns] }],
  },
  functions: {
    form: /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+$/,
    on: (arns) => [
      {
        actions: ['GetAlias', 'UpdateAlias', 'ListVersionsByFunction', 'GetFunctionConfiguration'].map(
          (action) => `lambda:${action}`,
        ),
        resources: arns.flatMap((arn) => [arn, `${arn}:*`]),
      },
    ],
  },
  services: {
    form: /^arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:service\/[\w-]+\/[\w-]+$/,
    on: (arns) => [
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
    form: /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
    on: (arns) => [
      {
        actions: ['iam:PassRole'],
        resources: [...arns],
        conditions: [{ test: 'StringEquals', variable: 'iam:PassedToService', values: ['ecs-tasks.amazonaws.com'] }],
      },
    ],
  },
  deploymentGroups: {
    form: /^arn:aws[a-z-]*:codedeploy:[a-z0-9-]+:\d{12}:deploymentgroup:[\w+=,.@-]+\/[\w+=,.@-]+$/,
    on: (arns) => [
      {
        actions: ['ListDeployments', 'BatchGetDeployments', 'GetDeployment', 'CreateDeployment', 'StopDeployment'].map(
          (action) => `codedeploy:${action}`,
        ),
        resources: [...arns],
      },
      {
        actions: ['codedeploy:GetDeploymentConfig'],
        resources: unique(arns.map((arn) => arn.replace(/:deploymentgroup:.*$/, ':deploymentconfig:*'))),
      },
      {
        actions: ['codedeploy:GetApplicationRevision', 'codedeploy:RegisterApplicationRevision'],
        resources: unique(arns.map((arn) => arn.replace(/:deploymentgroup:([^/]+)\/.*$/, ':application:$1'))),
      },
    ],
  },
  hostedZones: {
    form: /^arn:aws:route53:::hostedzone\/[A-Z0-9]+$/,
    on: (arns) => [
      { actions: ['route53:ListResourceRecordSets', 'route53:ChangeResourceRecordSets'], resources: [...arns] },
      { actions: ['route53:GetChange'], resources: ['arn:aws:route53:::change/*'] },
    ],
  },
};

/**
 * Returns the permissions that actions on the targets need, and none for absent kinds.
 *
 * @throws Error if an entry is not the ARN of one such resource: a pattern would allow more than intended
 */
export const ofTargets = (targets: AwsTargets): Statement[] =>
  (Object.keys(KINDS) as (keyof AwsTargets)[]).flatMap((kind) => {
    const { form, on } = KINDS[kind];
    const arns = targets[kind] ?? [];
    const bad = arns.find((arn) => !form.test(arn));
    if (bad !== undefined)
      throw new Error(`infra/targets.ts: ${kind} contains "${bad}", which is not a valid ARN of this kind`);
    return arns.length > 0 ? on(arns) : [];
  });

const regionOf = (arn: string): string => arn.split(':')[3] ?? '';
const unique = (values: readonly string[]): string[] => [...new Set(values)];
