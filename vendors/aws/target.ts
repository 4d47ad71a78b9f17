import type { Secrets } from '../../core/domain/ports/system.ts';
import type { TrafficRoute } from '../../core/domain/rollback/reroute.ts';
import type { Route53Route } from '../../schemas/rollback/reroute.ts';
import type { ClientsOf } from '../shared/rollback-target.ts';
import type { AwsAccess } from './access.ts';
import type { aws } from './schema.ts';

/** Loads the SDK of a target only if such a target is configured: the cold start of a function delays every page. */
export const clients: ClientsOf<typeof aws> = {
  deployers: {
    async 'lambda-alias'(config, { secrets }) {
      const { lambdaAliasDeployer } = await import('./lambda-alias.ts');
      return lambdaAliasDeployer(config, await accessOf(config, secrets));
    },
    async ecs(config, { secrets, serviceEnvironment }) {
      const { ecsDeployer } = await import('./ecs.ts');
      return ecsDeployer(config, { access: await accessOf(config, secrets), service: serviceEnvironment.service });
    },
    async codedeploy(config, { secrets, clock }) {
      const { codeDeployDeployer } = await import('./codedeploy.ts');
      return codeDeployDeployer(config, { access: await accessOf(config, secrets), clock });
    },
  },
  flags: {},
};

/** Returns the route of weighted records. */
export async function route53Route(config: Route53Route, secrets: Secrets): Promise<TrafficRoute> {
  const { route53Weights } = await import('./route53.ts');
  return route53Weights(config, await accessOf(config, secrets));
}

/** `AWS_TARGETS_URL` is the address of the sandbox's AWS stand-in. It is not set on AWS. */
export const accessOf = async (
  { region, roleArn }: { region?: string | undefined; roleArn?: string | undefined },
  secrets: Secrets,
): Promise<AwsAccess> => ({ region, roleArn, endpoint: await secrets.get('AWS_TARGETS_URL') });
