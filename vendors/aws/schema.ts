import * as z from 'zod';
import { Aws } from '../../schemas/config/endpoint.ts';
import { variable, httpUrl } from '../../schemas/config/variable.ts';
import type { RollbackTarget } from '../../schemas/rollback/target.ts';

/** A Lambda function's alias, which points to a version. */
export const LambdaAliasDeployer = z.strictObject({
  kind: z.literal('lambda-alias'),
  ...Aws,
  function: z.string().min(1),
  alias: z.string().min(1),
});
export type LambdaAliasDeployer = z.infer<typeof LambdaAliasDeployer>;

/** A CodeDeploy deployment group. */
const CodeDeployDeployer = z.strictObject({
  kind: z.literal('codedeploy'),
  ...Aws,
  application: z.string().min(1),
  deploymentGroup: z.string().min(1),
});
export type CodeDeployDeployer = z.infer<typeof CodeDeployDeployer>;

/** An ECS service: it returns to a specific revision of its task definition. */
const EcsDeployer = z.strictObject({
  kind: z.literal('ecs'),
  ...Aws,
  cluster: z.string().min(1),
  service: z.string().min(1).optional(),
  /** The container whose image tag is the version. Absent: the first essential container. */
  container: z.string().min(1).optional(),
});
export type EcsDeployer = z.infer<typeof EcsDeployer>;

/** Services of AWS. A deployment authenticates by its role. */
export const aws = {
  vendor: 'aws',
  deployers: {
    'lambda-alias': {
      schema: LambdaAliasDeployer,
      note: {
        rollsBack: 'an alias to a specific version',
        checks: true,
        effectClass: '`convergent`',
        details: '[aws-targets.md](../how-to/aws-targets.md)',
      },
    },
    codedeploy: {
      schema: CodeDeployDeployer,
      note: {
        rollsBack: 'a deployment group to the revision of the good deployment',
        checks: true,
        effectClass: '`findable`',
        details: '[aws-targets.md](../how-to/aws-targets.md)',
      },
    },
    ecs: {
      schema: EcsDeployer,
      note: {
        rollsBack: 'a service to a specific task definition',
        scales: true,
        restarts: true,
        checks: true,
        effectClass: '`convergent`',
        details: '[aws-targets.md](../how-to/aws-targets.md)',
      },
    },
  },
  flags: {},
  variables: {
    AWS_TARGETS_URL: {
      ...variable('targets', httpUrl.optional()),
      group: 'delivery',
      meaning: 'One address for Lambda, ECS, and CodeDeploy targets, as in the sandbox',
      otherwise: 'AWS itself',
    },
  },
  // AWS has an endpoint per service and region; the SDK determines endpoints and credentials.
  connection: { name: 'AWS targets', url: 'AWS_TARGETS_URL', publicUrl: 'https://amazonaws.com', credentials: [] },
} as const satisfies RollbackTarget;
