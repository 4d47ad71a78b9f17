import type { ECSClient, UpdateServiceCommandInput } from '@aws-sdk/client-ecs';
import type { TargetResponse, Scaling } from '../../domain/rollback/targets.ts';
import { type AwsCall, attempt, refuse } from './attempt.ts';
import { describeService } from './ecs-service.ts';

/**
 * Scales by the desired count. The ECS API doesn't show whether Application Auto Scaling manages that count; if it
 * does, its policy can set the count again at any time.
 */
export function ecsScaling(
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
