import * as z from 'zod';
import { AWS_ACCOUNT, type AwsCaller } from './caller.ts';
import { AwsRefusal } from './refusal.ts';
import { type EcsService, openServices, type Rollout, rolloutId, type Services } from './services.ts';
import { awsSettings } from './settings.ts';
import {
  NewTaskDefinition,
  openTaskDefinitions,
  taskDefinitionArn,
  taskDefinitionJson,
  type TaskDefinitions,
} from './task-definitions.ts';
import type { StandInDeps } from '../core/stand-in.ts';

/** The operations of one API by name. Each operation gets the body of the request. */
export type AwsOperations = Record<string, (input: unknown, caller: AwsCaller) => object>;

const DescribeServices = z.object({ cluster: z.string().default('default'), services: z.array(z.string()).max(10) });

const UpdateService = z.object({
  cluster: z.string().default('default'),
  service: z.string(),
  taskDefinition: z.string().nullish(),
  desiredCount: z.int().min(0).nullish(),
  forceNewDeployment: z.boolean().nullish(),
});

const ListTaskDefinitions = z.object({
  familyPrefix: z.string().default(''),
  status: z.enum(['ACTIVE', 'INACTIVE']).default('ACTIVE'),
  sort: z.enum(['ASC', 'DESC']).default('ASC'),
  maxResults: z.int().min(1).max(100).default(100),
  nextToken: z.string().nullish(),
});

const NamedTaskDefinition = z.object({ taskDefinition: z.string(), include: z.array(z.string()).nullish() });

/**
 * Services and task definitions of ECS, with rolling updates and the deployment circuit breaker.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ (read 2026-11)
 */
export function ecsApi(deps: StandInDeps): AwsOperations {
  const services = openServices(deps.db);
  const definitions = openTaskDefinitions(deps.db);
  const now = deps.now();
  const rolloutMs = rolloutMillis(deps);
  // Called for each request, so all operations see the state of now.
  services.settle({ now, rolloutMs });
  return {
    DescribeServices(input, { region }) {
      const { cluster, services: names } = DescribeServices.parse(input);
      if (!services.inCluster(nameInArn(cluster)))
        throw new AwsRefusal('ClusterNotFoundException', 'Cluster not found.');
      const found = names.map((name) => ({ name, service: services.find(nameInArn(cluster), nameInArn(name)) }));
      return {
        services: found.flatMap(({ service }) => (service ? [serviceJson(region, service, services, now)] : [])),
        failures: found.flatMap(({ name, service }) => (service ? [] : [{ arn: name, reason: 'MISSING' }])),
      };
    },
    UpdateService(input, { region }) {
      const requested = UpdateService.parse(input);
      const service = services.find(nameInArn(requested.cluster), nameInArn(requested.service));
      if (!service) throw new AwsRefusal('ServiceNotFoundException', 'Service not found.');
      update(service, requested, { services, definitions, now, rolloutMs });
      const changed = services.find(service.cluster, service.name) ?? service;
      return { service: serviceJson(region, changed, services, now) };
    },
    ListTaskDefinitions(input, { region }) {
      const { familyPrefix, status, sort, maxResults, nextToken } = ListTaskDefinitions.parse(input);
      const ascending = definitions.ofFamily(familyPrefix, status);
      const all = sort === 'ASC' ? ascending : ascending.toReversed();
      const from = Number(nextToken ?? 0);
      const next = from + maxResults;
      return {
        taskDefinitionArns: all.slice(from, next).map((definition) => taskDefinitionArn(region, definition)),
        ...(next < all.length && { nextToken: String(next) }),
      };
    },
    DescribeTaskDefinition(input, { region }) {
      const { taskDefinition, include } = NamedTaskDefinition.parse(input);
      const found = definitions.find(taskDefinition);
      return {
        taskDefinition: taskDefinitionJson(region, found),
        ...(include?.includes('TAGS') && { tags: found.tags }),
      };
    },
    RegisterTaskDefinition: (input, { region }) => ({
      taskDefinition: taskDefinitionJson(region, definitions.register(NewTaskDefinition.parse(input), now)),
    }),
    DeregisterTaskDefinition(input, { region }) {
      const found = definitions.find(NamedTaskDefinition.parse(input).taskDefinition);
      definitions.deregister(found);
      return { taskDefinition: taskDefinitionJson(region, { ...found, status: 'INACTIVE' }) };
    },
  };
}

/** Returns the duration of a rollout in milliseconds, divided by the time scale. */
export const rolloutMillis = (deps: StandInDeps): number => Math.round(awsSettings(deps).rollout_ms / deps.timeScale);

const nameInArn = (name: string): string => name.split('/').at(-1) ?? name;

function update(
  service: EcsService,
  { taskDefinition, desiredCount, forceNewDeployment }: z.infer<typeof UpdateService>,
  context: { services: Services; definitions: TaskDefinitions; now: number; rolloutMs: number },
): void {
  const { services, definitions, now } = context;
  const [primary] = services.rollouts(service);
  const requested = taskDefinition == null ? primary : definitions.find(taskDefinition);
  if (taskDefinition != null && service.controller !== 'ECS')
    throw new AwsRefusal(
      'InvalidParameterException',
      `Unable to update task definition on services with a ${service.controller} deployment controller.`,
    );
  if (requested && 'status' in requested && requested.status === 'INACTIVE')
    throw new AwsRefusal('ClientException', 'TaskDefinition is inactive');
  if (desiredCount != null && desiredCount !== service.desired) {
    const running = runningOf(service, now);
    services.put({ ...service, desired: desiredCount, running, counted_at: now + context.rolloutMs });
  }
  const isSame = primary && requested && primary.family === requested.family && primary.revision === requested.revision;
  if (requested && (!isSame || forceNewDeployment === true)) services.begin(service, requested, context);
}

const runningOf = ({ desired, running, counted_at: at }: EcsService, now: number): number =>
  now >= at ? desired : running;

function serviceJson(region: string, service: EcsService, services: Services, now: number): object {
  const { cluster, name, controller, strategy, scheduling, breaker, desired } = service;
  const arn = (of: string) => `arn:aws:ecs:${region}:${AWS_ACCOUNT}:${of}`;
  const rollouts = services.rollouts(service);
  const running = runningOf(service, now);
  return {
    serviceArn: arn(`service/${cluster}/${name}`),
    serviceName: name,
    clusterArn: arn(`cluster/${cluster}`),
    status: 'ACTIVE',
    desiredCount: desired,
    runningCount: running,
    pendingCount: Math.max(0, desired - running),
    taskDefinition: rollouts[0] && taskDefinitionArn(region, rollouts[0]),
    deploymentController: { type: controller },
    deploymentConfiguration: {
      deploymentCircuitBreaker: { enable: breaker !== 'off', rollback: breaker === 'rollback' },
      maximumPercent: 200,
      minimumHealthyPercent: 100,
      strategy,
    },
    schedulingStrategy: scheduling,
    deployments: rollouts.map((rollout, i) => deploymentJson(region, rollout, { primary: i === 0, desired, running })),
    events: [],
  };
}

function deploymentJson(
  region: string,
  rollout: Rollout,
  { primary, desired, running }: { primary: boolean; desired: number; running: number },
): object {
  // During a rollout, the new tasks are starting and the tasks of the last successful rollout are still running.
  const runningCount = rollout.state === 'COMPLETED' ? running : 0;
  return {
    id: rolloutId(rollout),
    status: primary ? 'PRIMARY' : 'ACTIVE',
    taskDefinition: taskDefinitionArn(region, rollout),
    desiredCount: desired,
    pendingCount: rollout.state === 'IN_PROGRESS' ? desired : 0,
    runningCount: runningCount,
    failedTasks: rollout.isFailing ? 3 : 0, // any number above 0
    createdAt: rollout.created_at / 1000,
    updatedAt: rollout.created_at / 1000,
    launchType: 'FARGATE',
    rolloutState: rollout.state,
    rolloutStateReason: rollout.reason,
  };
}
