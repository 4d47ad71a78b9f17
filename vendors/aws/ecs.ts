import { ECSClient, UpdateServiceCommand, type UpdateServiceCommandInput } from '@aws-sdk/client-ecs';
import {
  type TargetResponse,
  type Deployer,
  type DriftCheck,
  type Scaling,
  sharesName,
} from '../../core/domain/rollback/targets.ts';
import type { EcsDeployer } from './schema.ts';
import { accountAndRegionOf, type AwsAccess, cachedByAccess } from './access.ts';
import { type AwsCall, attempt, refuse } from './attempt.ts';
import { describeService, type LiveService, progressOf, reasonOf } from './ecs-service.ts';
import { describeRevision, findRevision, whichRevision } from './ecs-task-definitions.ts';
import { commitsIn, mentions, type Names } from './naming.ts';

const clientAt = cachedByAccess((settings) => new ECSClient(settings));

/**
 * Creates a deployer for an ECS service with rolling updates. An update sets the task definition, so a repeat changes
 * nothing: ECS starts no deployment if the definition is already set.
 *
 * @param options.service the service name if the configuration doesn't set one
 */
export function ecsDeployer(config: EcsDeployer, options: { access: AwsAccess; service: string }): Deployer {
  const { access } = options;
  const client = clientAt(access);
  const target = { cluster: config.cluster, service: config.service ?? options.service };
  const update = async (call: AwsCall, change: Omit<UpdateServiceCommandInput, 'service'>): Promise<TargetResponse> => {
    const command = new UpdateServiceCommand({ ...target, ...change });
    const { service } = await call((callOptions) => client.send(command, callOptions));
    const id = service?.deployments?.find(({ status }) => status === 'PRIMARY')?.id ?? null;
    return { kind: 'in_progress', id, handle: id };
  };
  /** Reads the running task definition, or the one being rolled out. */
  const readRunning = async (call: AwsCall, names: Names) => {
    const live = await describeService(client, target, call);
    const running = await describeRevision(client, live.primary.taskDefinition ?? '', config.container, call);
    const runs = whichRevision(running, names);
    const showsNameOnly =
      running.texts.some((text) => mentions(text, names.to)) && commitsIn(running.texts, names).length === 0;
    if (runs === undefined && sharesName(names) && showsNameOnly)
      refuse(
        `two versions have the name ${names.to}, and ${running.name} does not tell which of them runs; ` +
          'add the commit to the tag of the image, or set the tag commit of the task definition',
      );
    return { live, running, runs };
  };
  return {
    target: `ECS ${target.cluster}/${target.service}`,
    resource: `ecs ${JSON.stringify([...accountAndRegionOf(access, target.cluster), nameOf(target.cluster), nameOf(target.service)])}`,
    effectClass: 'convergent',
    rollBack: (request) =>
      attempt('ECS', async (call) => {
        const { live, running, runs } = await readRunning(call, request);
        if (runs === 'to') return progressOf(live, live.primary);
        if (runs === undefined) return { kind: 'superseded', current: running.label };
        const failed = await earlierFailure(live, request, call);
        if (failed) return failed;
        const to = await findRevision(client, running, request, config.container, call);
        return update(call, { taskDefinition: to.arn });
      }),
    status: (handle, request) => attempt('ECS', (call) => follow(handle, call, request)),
    checkDrift: async (request) => {
      const live = await attempt('ECS', async (call) => readRunning(call, request));
      return 'kind' in live ? { kind: 'unknown', detail: live.detail } : driftOf(live, target.service);
    },
    scaling: ecsScaling(client, target, update),
    /** A deployment in progress counts as the restart, because it already replaces the tasks. */
    restart: () =>
      attempt('ECS', async (call) => {
        const live = await describeService(client, target, call);
        const progress = progressOf(live, live.primary);
        return progress.kind === 'in_progress' ? progress : update(call, { forceNewDeployment: true });
      }),
    restartStatus: (handle) => attempt('ECS', (call) => follow(handle, call)),
  };

  /** @param handle the ID of a deployment; ECS forgets replaced deployments after they have drained */
  async function follow(handle: string, call: AwsCall, names?: Names): Promise<TargetResponse> {
    const live = await describeService(client, target, call);
    const deployment = live.service.deployments?.find(({ id }) => id === handle);
    if (deployment?.status === 'PRIMARY' || deployment?.rolloutState === 'FAILED') return progressOf(live, deployment);
    const running = await describeRevision(client, live.primary.taskDefinition ?? '', config.container, call);
    return names !== undefined && whichRevision(running, names) === 'from'
      ? {
          kind: 'failed',
          detail: `the rollout ${handle} no longer exists, and ${running.label} is running again, as after a failure`,
        }
      : { kind: 'superseded', current: running.label };
  }

  /**
   * Detects a circuit breaker that has already rolled back the good version, for example because it doesn't start.
   * Another attempt would fail in the same way.
   */
  async function earlierFailure(
    { service }: LiveService,
    names: Names,
    call: AwsCall,
  ): Promise<TargetResponse | undefined> {
    for (const deployment of service.deployments ?? []) {
      if (deployment.rolloutState !== 'FAILED' || deployment.status === 'PRIMARY') continue;
      const failedRevision = await describeRevision(client, deployment.taskDefinition ?? '', config.container, call);
      if (whichRevision(failedRevision, names) === 'to')
        return { kind: 'failed', detail: `the rollout of ${names.to} failed: ${reasonOf(deployment)}` };
    }
    return undefined;
  }
}

function driftOf(
  { running, runs, live }: { running: { label: string }; runs: string | undefined; live: LiveService },
  service: string,
): DriftCheck {
  if (runs !== 'to') return { kind: 'drifted', detail: `${service} runs ${running.label}, or is being changed to it` };
  const { rolloutState } = live.primary;
  return rolloutState === 'FAILED'
    ? { kind: 'drifted', detail: `a rollout of ${running.label} failed: ${reasonOf(live.primary)}` }
    : { kind: 'holds' };
}

/** Returns the name without the ARN prefix. */
const nameOf = (text: string): string => text.split('/').at(-1) ?? text;

/**
 * Scales by the desired count. The ECS API doesn't show whether Application Auto Scaling manages that count; if it
 * does, its policy can set the count again at any time.
 */
function ecsScaling(
  client: ECSClient,
  target: { cluster: string; service: string },
  update: (call: AwsCall, change: Omit<UpdateServiceCommandInput, 'service'>) => Promise<TargetResponse>,
): Scaling {
  const readCounts = async (call: AwsCall) => {
    const { service } = await describeService(client, target, call);
    if (service.schedulingStrategy === 'DAEMON')
      refuse(`${target.service} runs one task on each instance (DAEMON), so it can't be scaled`);
    const { desiredCount = 0, runningCount = 0, pendingCount = 0 } = service;
    return { desiredCount, steady: runningCount === desiredCount && pendingCount === 0 };
  };
  return {
    async count() {
      const counts = await attempt('ECS', readCounts);
      if (!('kind' in counts)) return { kind: 'count', count: counts.desiredCount };
      return counts.kind === 'busy' ? { kind: 'later', detail: counts.detail, afterSeconds: null } : counts;
    },
    set: ({ from, to }) =>
      attempt('ECS', async (call): Promise<TargetResponse> => {
        const { desiredCount, steady } = await readCounts(call);
        // The same call checks the progress, because scaling creates no deployment with an ID to follow.
        if (desiredCount === to) return steady ? { kind: 'succeeded', id: null } : IN_PROGRESS;
        if (desiredCount !== from) return { kind: 'superseded', current: String(desiredCount) };
        await update(call, { desiredCount: to });
        return IN_PROGRESS;
      }),
  };
}

const IN_PROGRESS = { kind: 'in_progress', id: null, handle: null } as const;
