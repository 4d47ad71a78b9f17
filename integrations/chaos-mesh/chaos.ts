import * as z from 'zod';
import type { ChaosReading } from '../../domain/experiments/progress.ts';
import type { Attempt } from '../../domain/ports/common.ts';
import type { ChaosSystem } from '../../domain/ports/experiments.ts';
import type { ChaosRun } from '../../schemas/experiments/experiment.ts';
import { attempt, type ClusterOptions } from '../kubernetes/attempt.ts';
import { asAttempt } from '../litmus/chaos-engine.ts';

/** @see https://github.com/chaos-mesh/chaos-mesh/blob/master/api/v1alpha1/common_types.go */
const Chaos = z.object({
  metadata: z.object({
    resourceVersion: z.string(),
    deletionTimestamp: z.string().nullish(),
    annotations: z
      .record(z.string(), z.string())
      .nullish()
      .transform((annotations) => annotations ?? {}),
  }),
  spec: z.looseObject({ action: z.string().optional() }),
  status: z
    .object({
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), reason: z.string().default('') }))
        .nullish()
        .transform((conditions) => conditions ?? []),
      experiment: z.object({ desiredPhase: z.string().default('') }).prefault({}),
    })
    .prefault({}),
});
type Chaos = z.infer<typeof Chaos>;

/** The annotation that pauses an experiment: the controllers recover all targets. */
const PAUSE = 'experiment.chaos-mesh.org/pause';

/** Actions that are done once: nothing can be paused or recovered. */
const ONE_SHOT: Readonly<Record<string, readonly string[]>> = { PodChaos: ['pod-kill', 'container-kill'] };

/** Creates a client for one object of Chaos Mesh. */
export function chaosMeshObject(
  {
    namespace,
    resource,
    name,
  }: { namespace: string } & Pick<Extract<ChaosRun, { kind: 'chaos-mesh' }>, 'resource' | 'name'>,
  cluster: ClusterOptions,
): ChaosSystem {
  const path = `/apis/chaos-mesh.org/v1alpha1/namespaces/${namespace}/${resource.toLowerCase()}/${name}`;
  const text = (chaos: Chaos): string => `${resource} ${name}: ${stateOf(chaos)}`;
  return {
    target: `${resource} ${namespace}/${name}`,
    async read(): Promise<ChaosReading> {
      const found = await attempt(cluster, ({ get }) => get(path, Chaos));
      if ('kind' in found) return { kind: 'unknown', detail: found.detail, verdict: null };
      return { kind: isOver(found) ? 'ended' : 'running', detail: text(found), verdict: null };
    },
    async stop(): Promise<Attempt> {
      const answer = await attempt(cluster, async ({ get, patch }) => {
        const before = await get(path, Chaos);
        if (before.metadata.annotations[PAUSE] === 'true' || isOver(before) || isOneShot(resource, before))
          return before;
        return patch(path, 'merge', { metadata: { annotations: { [PAUSE]: 'true' } } }, Chaos);
      });
      if ('kind' in answer) return asAttempt(answer);
      if (isOneShot(resource, answer))
        return { kind: 'taken', detail: `${text(answer)}; its action is done once and cannot be taken back` };
      return isOver(answer)
        ? { kind: 'taken', detail: text(answer) }
        : { kind: 'later', detail: text(answer), afterSeconds: null };
    },
  };
}

const isTrue = ({ status }: Chaos, type: string): boolean =>
  status.conditions.some((condition) => condition.type === type && condition.status === 'True');

/** All targets are recovered, and none is to be injected again. */
const isOver = (chaos: Chaos): boolean =>
  chaos.status.experiment.desiredPhase === 'Stop' && isTrue(chaos, 'AllRecovered');

const isOneShot = (resource: string, { spec }: Chaos): boolean =>
  ONE_SHOT[resource]?.includes(spec.action ?? '') ?? false;

function stateOf({ status }: Chaos): string {
  const conditions = status.conditions.filter((one) => one.status === 'True').map(({ type }) => type);
  return [`desired phase ${status.experiment.desiredPhase || 'not set'}`, ...conditions].join(', ');
}
