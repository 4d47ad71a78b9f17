import { type Deployment, DescribeServicesCommand, type ECSClient, type Service } from '@aws-sdk/client-ecs';
import type { TargetResponse } from '../../core/domain/rollback/targets.ts';
import { type AwsCall, refuse } from './attempt.ts';

/** A service with its primary deployment, in progress or completed. */
export type LiveService = { service: Service; primary: Deployment };

/** Reads the service. Refuses services that another controller deploys. */
export async function describeService(
  client: ECSClient,
  target: { cluster: string; service: string },
  call: AwsCall,
): Promise<LiveService> {
  const command = new DescribeServicesCommand({ cluster: target.cluster, services: [target.service] });
  const { services, failures } = await call((options) => client.send(command, options));
  const service = services?.[0];
  if (service === undefined || service.status === 'INACTIVE')
    refuse(`there is no service ${target.service} in ${target.cluster}: ${failures?.[0]?.reason ?? 'INACTIVE'}`);
  const controller = service.deploymentController?.type ?? 'ECS';
  if (controller === 'CODE_DEPLOY')
    refuse(`${target.service} is deployed by CodeDeploy; set kind: codedeploy in its deployer`);
  if (controller !== 'ECS')
    refuse(`${target.service} is deployed by an external controller, which Firebreak can't control`);
  const strategy = service.deploymentConfiguration?.strategy ?? 'ROLLING';
  if (strategy !== 'ROLLING')
    refuse(`${target.service} is deployed by the strategy ${strategy}; only ROLLING is supported`);
  const primary = service.deployments?.find(({ status }) => status === 'PRIMARY');
  return primary === undefined ? refuse(`${target.service} has no deployment`) : { service, primary };
}

/**
 * Returns the progress of a deployment. Without a circuit breaker or alarms, ECS never reports that a deployment
 * failed.
 */
export function progressOf({ service }: LiveService, deployment: Deployment): TargetResponse {
  const id = deployment.id ?? null;
  switch (deployment.rolloutState) {
    case 'COMPLETED':
      return { kind: 'succeeded', id };
    case 'FAILED':
      return { kind: 'failed', detail: `the rollout ${id ?? ''} failed: ${reasonOf(deployment)}` };
    case 'IN_PROGRESS':
      return { kind: 'in_progress', id, handle: id };
    case undefined:
    default: {
      // Services behind a Classic Load Balancer have no rollout state.
      const { desiredCount, runningCount, pendingCount } = deployment;
      const steady = service.deployments?.length === 1 && runningCount === desiredCount && pendingCount === 0;
      return steady ? { kind: 'succeeded', id } : { kind: 'in_progress', id, handle: id };
    }
  }
}

export const reasonOf = ({ rolloutStateReason, failedTasks }: Deployment): string =>
  [rolloutStateReason ?? 'ECS gives no reason', ...(failedTasks ? [`${failedTasks} tasks failed`] : [])].join('; ');
