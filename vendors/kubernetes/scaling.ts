import type { TargetResponse, Scaling } from '../../core/domain/rollback/targets.ts';
import { refuse } from '../shared/refusals.ts';
import { type Calls } from './attempt.ts';
import { hasActionKey, SCALE_KEY } from './annotations.ts';
import { Autoscalers, type Workload } from './objects.ts';
import { attemptOn, patchWithKey, type WorkloadTarget, refuseManaged } from './workload.ts';

/** Scales by `spec.replicas`, with Firebreak's key in an annotation. The scale subresource can't hold an annotation. */
export function scalingOf<T extends Workload>(target: WorkloadTarget<T>): Scaling {
  return {
    count: () =>
      attemptOn(target, async (calls, { spec }) => {
        await refuseAutoscaled(target, calls);
        return { kind: 'count', count: spec.replicas } as const;
      }),
    set: ({ from, to, key }) =>
      attemptOn(target, async (calls, workload): Promise<TargetResponse> => {
        const { metadata, spec } = workload;
        if (hasActionKey(metadata, SCALE_KEY, key)) return scaledTo(to, workload);
        if (spec.replicas !== from) return { kind: 'superseded', current: replicasText(spec.replicas) };
        refuseManaged(target, workload);
        await refuseAutoscaled(target, calls);
        const patch = patchWithKey(workload, SCALE_KEY, key, { replicas: to });
        return scaledTo(to, await calls.patch(target.path, 'merge', patch, target.schema));
      }),
  };
}

/** Returns the progress when the call is repeated. */
function scaledTo(to: number, { metadata, spec, status }: Workload): TargetResponse {
  if (spec.replicas !== to) return { kind: 'superseded', current: replicasText(spec.replicas) };
  const isDone = status.observedGeneration >= metadata.generation && status.availableReplicas >= to;
  return isDone ? { kind: 'succeeded', id: null } : { kind: 'in_progress', id: null, handle: null };
}

const replicasText = (replicas: number): string => (replicas === 1 ? '1 replica' : `${replicas} replicas`);

/** @throws Ended if an autoscaler would override the count within seconds */
async function refuseAutoscaled({ kind, namespace, name }: WorkloadTarget<Workload>, calls: Calls): Promise<void> {
  const path = `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`;
  const { items } = await calls.get(path, Autoscalers);
  const autoscaler = items.find(({ spec: { scaleTargetRef: ref } }) => ref.kind === kind && ref.name === name);
  if (autoscaler)
    throw refuse(
      `the HorizontalPodAutoscaler ${autoscaler.metadata.name} scales ${kind} ${namespace}/${name}, ` +
        'and would undo any other count; change its minReplicas instead',
    );
}
