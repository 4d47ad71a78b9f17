import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { ChaosEngineSpec, ChaosResultSpec, PodChaosSpec } from './chaos.ts';
import { ExperimentSpec } from './experiments.ts';
import { CanarySpec } from './flagger/objects.ts';
import {
  AutoscalerSpec,
  ConfigMapData,
  DeploymentSpec,
  HelmReleaseSpec,
  HttpRouteSpec,
  ImageUpdateAutomationSpec,
  type KubernetesObject,
  KustomizationSpec,
  MetadataIn,
  ReferringSpec,
  RolloutSpec,
  TrafficSplitSpec,
} from './objects.ts';
import { PodSpec, QuotaSpec, requireQuota, ServiceSpec } from './pods.ts';
import { failure } from './status.ts';
import { type ClusterObjects, type Item, type NewObject, throughJson } from './cluster-state.ts';

/** A kind of object, and its resource in the API. */
export type Resource = {
  group: string;
  version: string;
  plural: string;
  kind: string;
  /** The schema of the spec that clients may write. Absent if only controllers write it. */
  spec?: z.ZodType<object>;
  /** The field with what clients write. A ConfigMap has no spec. */
  content: 'spec' | 'data';
  /** Whether `status` is a subresource that clients can also write. */
  hasStatus: boolean;
  scales: boolean;
};

/** @param is what the resource has besides its spec */
const resourceAt = (
  path: `${string}/${string}/${string}`,
  kind: string,
  spec: z.ZodType<object> | null,
  ...is: ('hasStatus' | 'scales' | 'hasData')[]
): Resource => {
  const [group = '', version = '', plural = ''] = path.split('/');
  const has = {
    hasStatus: is.includes('hasStatus'),
    scales: is.includes('scales'),
    content: is.includes('hasData') ? ('data' as const) : ('spec' as const),
  };
  return { group, version, plural, kind, ...(spec && { spec }), ...has };
};

export const RESOURCES: readonly Resource[] = [
  resourceAt('/v1/pods', 'Pod', PodSpec, 'hasStatus'),
  resourceAt('/v1/events', 'Event', null),
  resourceAt('/v1/configmaps', 'ConfigMap', ConfigMapData, 'hasData'),
  resourceAt('/v1/services', 'Service', ServiceSpec, 'hasStatus'),
  resourceAt('/v1/resourcequotas', 'ResourceQuota', QuotaSpec, 'hasStatus'),
  resourceAt('apps/v1/deployments', 'Deployment', DeploymentSpec, 'hasStatus', 'scales'),
  resourceAt('apps/v1/replicasets', 'ReplicaSet', null, 'hasStatus'),
  resourceAt('argoproj.io/v1alpha1/rollouts', 'Rollout', z.union([RolloutSpec, ReferringSpec]), 'hasStatus', 'scales'),
  resourceAt('argoproj.io/v1alpha1/experiments', 'Experiment', ExperimentSpec),
  resourceAt(
    'autoscaling/v2/horizontalpodautoscalers',
    'HorizontalPodAutoscaler',
    AutoscalerSpec,

    'hasStatus',
  ),
  resourceAt('flagger.app/v1beta1/canaries', 'Canary', CanarySpec, 'hasStatus'),
  resourceAt('gateway.networking.k8s.io/v1/httproutes', 'HTTPRoute', HttpRouteSpec, 'hasStatus'),
  resourceAt('split.smi-spec.io/v1alpha2/trafficsplits', 'TrafficSplit', TrafficSplitSpec),
  resourceAt('split.smi-spec.io/v1alpha3/trafficsplits', 'TrafficSplit', TrafficSplitSpec),
  resourceAt('split.smi-spec.io/v1alpha4/trafficsplits', 'TrafficSplit', TrafficSplitSpec),
  resourceAt('litmuschaos.io/v1alpha1/chaosengines', 'ChaosEngine', ChaosEngineSpec, 'hasStatus'),
  resourceAt('litmuschaos.io/v1alpha1/chaosresults', 'ChaosResult', ChaosResultSpec, 'hasStatus'),
  resourceAt('chaos-mesh.org/v1alpha1/podchaos', 'PodChaos', PodChaosSpec),
  resourceAt(
    'image.toolkit.fluxcd.io/v1/imageupdateautomations',
    'ImageUpdateAutomation',
    ImageUpdateAutomationSpec,
    'hasStatus',
  ),
  resourceAt(
    'image.toolkit.fluxcd.io/v1beta2/imageupdateautomations',
    'ImageUpdateAutomation',
    ImageUpdateAutomationSpec,
    'hasStatus',
  ),
  resourceAt('kustomize.toolkit.fluxcd.io/v1/kustomizations', 'Kustomization', KustomizationSpec, 'hasStatus'),
  resourceAt('helm.toolkit.fluxcd.io/v2/helmreleases', 'HelmRelease', HelmReleaseSpec, 'hasStatus'),
];

/** @throws Error for an unknown kind, which is a bug in the stand-in */
export function resourceOf(kind: string): Resource {
  const found = RESOURCES.find((one) => one.kind === kind);
  if (found === undefined) throw new Error(`no resource of kind ${kind}`);
  return found;
}

export const apiVersionOf = ({ group, version }: Resource): string => (group === '' ? version : `${group}/${version}`);

/** Returns the name of a resource in messages, such as `deployments.apps`. */
export const nameOfResource = ({ group, plural }: Resource): string => (group === '' ? plural : `${plural}.${group}`);

const ObjectIn = z.object({
  metadata: MetadataIn,
  spec: z.unknown().optional(),
  status: z.looseObject({}).optional(),
});

const Unnamed = z.looseObject({
  metadata: z.looseObject({ name: z.literal('').optional(), generateName: z.string().min(1) }),
});

/**
 * Names an object that has only the beginning of its name, `generateName`, as the API server does: with five more characters. They
 * follow from `seed`, so that no test depends on chance.
 */
function withName(json: unknown, seed: string): unknown {
  const { data } = Unnamed.safeParse(json);
  if (data === undefined) return json;
  const { generateName } = data.metadata;
  const name = `${generateName.slice(0, 58)}${hash('sha256', seed).slice(0, 5)}`;
  return { ...data, metadata: { ...data.metadata, name } };
}

/** @throws HTTPException 405, 409 or 422 */
export function createObject(
  objects: ClusterObjects,
  resource: Resource,
  namespace: string,
  json: unknown,
  now: number,
): KubernetesObject {
  const named = withName(json, `${now} ${objects.version()}`);
  const { metadata, content } = admit(resource, named, metadataName(named));
  if (objects.find(resource.kind, namespace, metadata.name))
    throw failure(409, `${nameOfResource(resource)} "${metadata.name}" already exists`);
  const { name, generateName, labels, annotations } = metadata;
  if (resource.kind === 'Pod') requireQuota(objects, namespace, name);
  const texts = {
    ...(generateName && { generateName }),
    ...(labels && { labels }),
    ...(annotations && { annotations }),
  };
  const object = {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: { name, namespace, ...texts },
    ...(resource.content === 'spec' && { status: {} }),
    [resource.content]: content,
  };
  return objects.create(object as NewObject<KubernetesObject>, now).object;
}

/**
 * Applies a client's update to an object. Rejects an outdated `resourceVersion`. The server keeps names, IDs, and
 * counts. A write to the status subresource changes only the status.
 *
 * @param part the part of `json` to apply
 * @throws HTTPException 405, 409 or 422
 */
export function updateObject(
  objects: ClusterObjects,
  resource: Resource,
  item: Item,
  { json, part, now }: { json: unknown; part: 'main' | 'status'; now: number },
): KubernetesObject {
  const { object } = item;
  const { name, resourceVersion, generation } = object.metadata;
  const admitted = admit(resource, json, name);
  if ((admitted.metadata.resourceVersion ?? resourceVersion) !== resourceVersion)
    throw failure(
      409,
      `Operation cannot be fulfilled on ${nameOfResource(resource)} "${name}": the object has been modified; ` +
        'please apply your changes to the latest version and try again',
    );
  const before = (object as KubernetesObject & { data?: object })[resource.content];
  const isSame = isDeepStrictEqual(throughJson(admitted.content), throughJson(before));
  const { labels, annotations } = admitted.metadata;
  const next =
    part === 'status'
      ? { ...object, status: admitted.status ?? {} }
      : {
          ...object,
          [resource.content]: admitted.content,
          metadata: { ...object.metadata, labels, annotations, generation: generation + (isSame ? 0 : 1) },
        };
  const isChanged = objects.replace(item, next);
  if (isChanged && (part === 'status' || !isSame)) item.work.changedAt = now;
  return item.object;
}

const metadataName = (json: unknown): string =>
  z.looseObject({ metadata: z.looseObject({ name: z.string() }) }).safeParse(json).data?.metadata.name ?? '';

function admit({ spec, content, kind, group }: Resource, json: unknown, name: string) {
  if (spec === undefined) throw failure(405, 'the server does not allow this method on the requested resource');
  const read = (content === 'data' ? ObjectIn.extend({ data: spec }) : ObjectIn.extend({ spec })).safeParse(json);
  if (read.success) {
    const { metadata, status } = read.data;
    return { metadata, status, content: 'data' in read.data ? read.data.data : read.data.spec };
  }
  const causes = read.error.issues.map(({ path, message }) => `${path.join('.')}: Invalid value: ${message}`);
  throw failure(422, `${kind}${group === '' ? '' : `.${group}`} "${name}" is invalid: ${causes.join(', ')}`);
}
