import * as z from 'zod';
import { type KubernetesObject, timeText } from './objects.ts';
import type { Item, ClusterObjects } from './cluster-state.ts';
import type { StandInDeps } from '../core/stand-in.ts';

/**
 * The spec of a ChaosEngine of LitmusChaos.
 * @see https://github.com/litmuschaos/chaos-operator/blob/master/deploy/chaos_crds.yaml (read 2026-11)
 */
export const ChaosEngineSpec = z.looseObject({
  /** The operator makes an absent one active. */
  engineState: z
    .string()
    .regex(/^(active|stop)$/)
    .optional(),
  chaosServiceAccount: z.string(),
  experiments: z.array(z.looseObject({ name: z.string() })),
});
export type ChaosEngine = KubernetesObject<
  z.infer<typeof ChaosEngineSpec>,
  { engineStatus?: string; experiments?: { name: string; status: string; verdict: string; lastUpdateTime: string }[] }
>;

export const ChaosResultSpec = z.looseObject({ engine: z.string().optional(), experiment: z.string() });

/**
 * The spec of a PodChaos of Chaos Mesh.
 * @see https://github.com/chaos-mesh/chaos-mesh/blob/master/api/v1alpha1/podchaos_types.go (read 2026-11)
 */
export const PodChaosSpec = z.looseObject({
  action: z.enum(['pod-kill', 'pod-failure', 'container-kill']),
  mode: z.enum(['one', 'all', 'fixed', 'fixed-percent', 'random-max-percent']),
  selector: z.looseObject({}),
});
export type PodChaos = KubernetesObject<z.infer<typeof PodChaosSpec>, ChaosStatus>;

type ChaosStatus = {
  conditions?: { type: string; status: 'True' | 'False' }[];
  experiment?: { desiredPhase: 'Run' | 'Stop'; containerRecords?: ChaosRecord[] };
};

/** One target, here without the counters. */
type ChaosRecord = {
  id: string;
  selectorKey: string;
  phase: 'Injected' | 'Not Injected';
  events: { type: 'Succeeded'; operation: 'Apply' | 'Recover'; timestamp: string }[];
};

type Time = Pick<StandInDeps, 'now' | 'timeScale'>;

const isDue = (objects: ClusterObjects, { work }: Item, { now, timeScale }: Time): boolean =>
  now() >= (work.changedAt ?? Infinity) + objects.settings.observe_ms / timeScale;

/** Applies what the operator of LitmusChaos has done by now: it runs an active engine, and stops one that is to stop. */
export function reconcileEngine(objects: ClusterObjects, item: Item<ChaosEngine>, time: Time): void {
  if (!isDue(objects, item, time)) return;
  item.work.changedAt = null;
  const { spec, status } = item.object;
  const isStopped = spec.engineState === 'stop';
  if (status.engineStatus === 'completed' && isStopped) return;
  const engineStatus = isStopped ? 'stopped' : 'initialized';
  const experiments = spec.experiments.map(({ name }) => ({
    name,
    status: isStopped ? 'Forcefully Aborted' : 'Running',
    verdict: isStopped ? 'Stopped' : 'Awaited',
    lastUpdateTime: timeText(time.now()),
  }));
  objects.replace(item, { ...item.object, status: { ...status, engineStatus, experiments } });
}

const PAUSE_ANNOTATION = 'experiment.chaos-mesh.org/pause';

/** Applies what the controllers of Chaos Mesh have done by now: they recover the targets of a paused experiment. */
export function reconcilePodChaos(objects: ClusterObjects, item: Item<PodChaos>, time: Time): void {
  const { metadata, spec, status } = item.object;
  const isPaused = metadata.annotations?.[PAUSE_ANNOTATION] === 'true';
  const isOneShot = spec.action !== 'pod-failure';
  // An annotation changes no generation, so the pause itself is compared.
  const desiredPhase = isPaused && !isOneShot ? 'Stop' : 'Run';
  if (status.experiment?.desiredPhase === desiredPhase) return;
  if (item.work.until === null) {
    item.work.until = time.now() + objects.settings.observe_ms / time.timeScale;
    return;
  }
  if (time.now() < item.work.until) return;
  item.work.until = null;
  const isStopped = desiredPhase === 'Stop';
  const condition = (type: string, isTrue: boolean) => ({
    type,
    status: isTrue ? ('True' as const) : ('False' as const),
  });
  const conditions = [
    condition('Selected', true),
    condition('AllInjected', !isStopped),
    condition('AllRecovered', isStopped),
    condition('Paused', isPaused),
  ];
  const [record] = status.experiment?.containerRecords ?? [];
  const operation = isStopped ? ('Recover' as const) : ('Apply' as const);
  const containerRecords = [
    {
      id: `${item.object.metadata.namespace}/a-pod`,
      selectorKey: '.',
      phase: isStopped ? ('Not Injected' as const) : ('Injected' as const),
      events: [...(record?.events ?? []), { type: 'Succeeded' as const, operation, timestamp: timeText(time.now()) }],
    },
  ];
  objects.replace(item, {
    ...item.object,
    status: { ...status, conditions, experiment: { desiredPhase, containerRecords } },
  });
}
