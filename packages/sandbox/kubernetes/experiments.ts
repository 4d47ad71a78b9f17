import * as z from 'zod';
import type { StandInDeps } from '../core/stand-in.ts';
import type { ClusterObjects, Item } from './cluster-state.ts';
import { type KubernetesObject, PodTemplate } from './objects.ts';
import { type Pod, terminatePod } from './pods.ts';

const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;

const Template = z
  .strictObject({
    name: z.string().min(1),
    replicas: z.int().min(0).default(1),
    minReadySeconds: z.int().min(0).optional(),
    selector: z.strictObject({ matchLabels: z.record(z.string(), z.string()) }),
    template: PodTemplate,
    service: z.strictObject({ name: z.string().optional() }).optional(),
  })
  .refine(
    ({ selector, template }) =>
      Object.entries(selector.matchLabels).every(([key, value]) => template.metadata?.labels?.[key] === value),
    { path: ['selector'], error: '`selector` does not match template `labels`' },
  )
  // Validated when the controller creates the ReplicaSet.
  .refine(({ template }) => !('activeDeadlineSeconds' in template.spec), {
    path: ['template', 'spec', 'activeDeadlineSeconds'],
    error: 'activeDeadlineSeconds in ReplicaSet is not Supported',
  });

/**
 * The spec of an Experiment of Argo Rollouts, without analyses.
 * @see https://github.com/argoproj/argo-rollouts/blob/master/pkg/apis/rollouts/v1alpha1/experiment_types.go (read 2026-11)
 */
export const ExperimentSpec = z
  .strictObject({
    templates: z.array(Template).min(1),
    duration: z.string().regex(DURATION).optional(),
    progressDeadlineSeconds: z.int().min(1).default(600),
    scaleDownDelaySeconds: z.int().min(0).optional(),
    terminate: z.boolean().optional(),
  })
  .refine(
    ({ templates }) =>
      new Set(templates.map(({ selector }) => JSON.stringify(selector))).size === templates.length &&
      new Set(templates.map(({ name }) => name)).size === templates.length,
    { path: ['templates'], error: 'names and selectors must be unique' },
  );

type ExperimentStatus = { phase?: 'Pending' | 'Running' | 'Successful' | 'Failed'; availableAt?: string };
export type Experiment = KubernetesObject<z.infer<typeof ExperimentSpec>, ExperimentStatus>;

/**
 * Applies what the controller has done by now: it runs the templates until both have been available for the duration. Here, its
 * pods have no ReplicaSets, and end without the delay of 30 seconds.
 *
 * @see https://argo-rollouts.readthedocs.io/en/stable/features/experiment/
 */
export function reconcileExperiment(
  objects: ClusterObjects,
  item: Item<Experiment>,
  { now, timeScale }: Pick<StandInDeps, 'now' | 'timeScale'>,
): void {
  const { object, work } = item;
  const { spec, status, metadata } = object;
  const set = (next: ExperimentStatus): void => void objects.replace(item, { ...object, status: next });
  const startAt = work.since + objects.settings.observe_ms / timeScale;
  if (status.phase === undefined) {
    if (now() < startAt) return;
    for (const template of spec.templates) createPod(objects, object, template, startAt);
    return set({ phase: 'Pending' });
  }
  if (status.phase !== 'Pending' && status.phase !== 'Running') return;
  const pods = objects
    .list<Pod>('Pod', metadata.namespace)
    .filter((pod) => pod.object.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid));
  const end = (phase: 'Successful' | 'Failed'): void => {
    for (const pod of pods) terminatePod(objects, pod, now());
    set({ ...status, phase });
  };
  const ready = pods.flatMap((pod) => pod.object.status.conditions ?? []).filter(({ type }) => type === 'Ready');
  const isAvailable = ready.length === spec.templates.length && ready.every((one) => one.status === 'True');
  if (status.phase === 'Running') {
    const until = Date.parse(status.availableAt ?? '') + (secondsOf(spec.duration) * 1000) / timeScale;
    if (now() >= until) end('Successful');
  } else if (isAvailable) {
    set({
      phase: 'Running',
      availableAt:
        ready
          .map(({ lastTransitionTime: at }) => at ?? '')
          .toSorted()
          .at(-1) ?? '',
    });
    reconcileExperiment(objects, item, { now, timeScale });
  } else if (now() >= startAt + (spec.progressDeadlineSeconds * 1000) / timeScale) end('Failed');
}

function createPod(
  objects: ClusterObjects,
  { apiVersion, kind, metadata }: Experiment,
  { name, template }: z.infer<typeof Template>,
  at: number,
): void {
  const labels = { ...template.metadata?.labels, 'rollouts-pod-template-hash': `${name}5b4d9c` };
  objects.create<Pod>(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `${metadata.name}-${name}-x7k2p`,
        namespace: metadata.namespace,
        labels,
        annotations: template.metadata?.annotations,
        ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true }],
      },
      spec: template.spec,
      status: {},
    },
    at,
  );
}

const secondsOf = (duration: string | undefined): number =>
  duration === undefined ? Infinity : Number.parseInt(duration, 10);
