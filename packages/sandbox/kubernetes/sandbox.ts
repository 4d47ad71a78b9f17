import type { Hono } from 'hono';
import * as z from 'zod';
import { createObject, resourceOf, updateObject } from './admission.ts';
import { type Cluster, openCluster } from './cluster.ts';
import {
  ClusterSettings,
  type ClusterObjects,
  type Item,
  openClusterObjects,
  setClusterSettings,
} from './cluster-state.ts';
import { webhookChecksum } from './flagger/checksum.ts';
import { checkCanary } from './flagger/flagger.ts';
import type { Canary } from './flagger/objects.ts';
import type { Deployment, ImageUpdateAutomationSpec, KubernetesObject } from './objects.ts';
import { exchanges } from '../core/exchanges.ts';
import { problem, readQuery } from '../core/problem.ts';
import type { StandInDeps } from '../core/stand-in.ts';

/** A deploy by a pipeline: sets the image of the object, which is created if it doesn't exist. */
const Deploy = z.strictObject({
  kind: z.enum(['Deployment', 'Rollout']).default('Deployment'),
  namespace: z.string().min(1).default('default'),
  name: z.string().min(1),
  image: z.string().min(1),
  /** This and the following fields apply to a new object. */
  replicas: z.int().min(0).default(3),
  revisionHistoryLimit: z.int().min(0).default(10),
  /** Labels of the object, not of its pods. */
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  /** For a Rollout: the steps of its canaries. */
  steps: z.array(z.unknown()).default([]),
  /** For a Rollout: weights apply to traffic, not to pods. */
  trafficRouting: z.looseObject({}).optional(),
});
type Deploy = z.infer<typeof Deploy>;

/** The objects that a request names. */
const Named = { namespace: z.string().min(1).default('default'), name: z.string().min(1) };

/** An automation of Flux. */
const Automation = { namespace: z.string().min(1).default('flux-system'), name: z.string().min(1) };

/** An object of Flux that applies manifests or a chart. */
const Applier = z.strictObject({ kind: z.enum(['Kustomization', 'HelmRelease']), ...Automation });

/**
 * One run of an automation: the image that a policy has selected, and the Deployment in whose manifest Flux would write
 * it, because a comment there names the policy. Of another kind: it applies a manifest of the Deployment with this image.
 */
const Reconcile = z.strictObject({
  kind: z.enum(['ImageUpdateAutomation', 'Kustomization', 'HelmRelease']).default('ImageUpdateAutomation'),
  ...Automation,
  deployment: z.strictObject(Named),
  image: z.string().min(1),
});

/** One check of Flagger, with the responses of the canary's webhooks to the requests in `/flagger/questions`. */
const CheckIn = z.strictObject({
  ...Named,
  answers: z.partialRecord(z.enum(['confirm-rollout', 'confirm-promotion', 'rollback']), z.int()).default({}),
  metrics: z.enum(['passed', 'failed']).default('passed'),
});

/**
 * Returns the endpoints for pipelines, Flux, and Flagger.
 *
 * Flux writes an image to Git and applies it to the cluster in one step, because there is no repository; a suspended
 * automation does nothing. Flagger calls its webhooks during a check, but this stand-in calls no one. Therefore, the
 * caller sends the webhook requests, and passes the responses with the check.
 */
export function clusterSandbox(deps: StandInDeps): Hono {
  const inCluster = <T>(work: (cluster: Cluster) => T): T => {
    const cluster = openCluster(deps);
    const result = work(cluster);
    cluster.save();
    return result;
  };
  const create = (kind: string, namespace: string, manifestOfIt: object) =>
    inCluster(({ objects, now }) => createObject(objects, resourceOf(kind), namespace, manifestOfIt, now));
  return exchanges({
    'POST /deploy'({ given }) {
      const requested = given(Deploy);
      const { kind, namespace, name, image } = requested;
      return inCluster(({ objects, now }) => {
        const item = objects.find<Deployment>(kind, namespace, name);
        if (item) return setImage(objects, item, image, now);
        return createObject(objects, resourceOf(kind), namespace, manifest(requested), now);
      });
    },
    'POST /flux/automation'({ given }) {
      const { namespace, name } = given(z.strictObject(Automation));
      const spec = { interval: '1m', sourceRef: { kind: 'GitRepository', name: 'flux-system' } };
      return create('ImageUpdateAutomation', namespace, { metadata: { name }, spec });
    },
    'POST /flux/object'({ given }) {
      const { kind, namespace, name } = given(Applier);
      const from = { kind: 'OCIRepository', name };
      const applied = kind === 'Kustomization' ? { prune: true, sourceRef: from } : { chartRef: from };
      return create(kind, namespace, { metadata: { name }, spec: { interval: '10m', ...applied } });
    },
    'GET /flux/object'({ c }) {
      const { kind, ...named } = readQuery(c, Applier);
      return itemIn(openCluster(deps).objects, kind, named).object;
    },
    'POST /flux/reconcile'({ given }) {
      const { kind, namespace, name, deployment, image } = given(Reconcile);
      return inCluster(({ objects, now }) => {
        const automation = itemIn<Flux>(objects, kind, { namespace, name });
        const workload = itemIn<Deployment>(objects, 'Deployment', deployment);
        if (automation.object.spec.suspend !== true) setImage(objects, workload, image, now);
        return { image: workload.object.spec.template.spec.containers[0]?.image };
      });
    },
    // A canary of the Deployment of the same name. Deploys still go to the Deployment.
    'POST /flagger/canary'({ given }) {
      const { namespace, name, analysis } = given(z.strictObject({ ...Named, analysis: z.looseObject({}) }));
      const spec = { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, analysis };
      return create('Canary', namespace, { metadata: { name }, spec });
    },
    'GET /flagger/questions': ({ c }) =>
      pendingWebhooks(itemIn<Canary>(openCluster(deps).objects, 'Canary', readQuery(c, z.object(Named))).object),
    'POST /flagger/check'({ given }) {
      const { answers, metrics, ...named } = given(CheckIn);
      return inCluster(({ objects, now }) => {
        const item = itemIn<Canary>(objects, 'Canary', named);
        checkCanary(objects, item, { answers, metrics }, now);
        return item.object;
      });
    },
    'GET /settings': () => openClusterObjects(deps.db).settings,
    'PUT /settings'({ given }) {
      openCluster(deps).save(); // apply the changes that are due with the settings so far
      return setClusterSettings(deps.db, given(ClusterSettings));
    },
  });
}

type Flux = KubernetesObject<ImageUpdateAutomationSpec>;

function itemIn<T extends KubernetesObject>(
  objects: ClusterObjects,
  kind: string,
  { namespace, name }: { namespace: string; name: string },
): Item<T> {
  const item = objects.find<T>(kind, namespace, name);
  if (item === undefined) throw problem(422, `there is no ${kind} ${namespace}/${name}`);
  return item;
}

function setImage(objects: ClusterObjects, item: Item<Deployment>, image: string, now: number): KubernetesObject {
  const { template } = item.object.spec;
  const [first, ...others] = template.spec.containers;
  const containers = [{ ...first, name: first?.name ?? item.object.metadata.name, image }, ...others];
  const spec = { ...item.object.spec, template: { ...template, spec: { ...template.spec, containers } } };
  // `main` is everything except for the status subresource.
  return updateObject(objects, resourceOf(item.object.kind), item, {
    json: { ...item.object, spec },
    part: 'main',
    now,
  });
}

/** Returns the webhook requests that Flagger would send now: the rollback webhook, during a rollout in progress. */
function pendingWebhooks({ metadata, spec, status }: Canary) {
  const { name, namespace } = metadata;
  const { phase = '' } = status;
  const isInProgress = spec.suspend !== true && ['Progressing', 'WaitingPromotion'].includes(phase);
  return spec.analysis.webhooks
    .filter(({ type }) => type === 'rollback' && isInProgress)
    .map(({ type, url, metadata: own }) => ({
      type,
      url,
      body: { name, namespace, phase, checksum: webhookChecksum(status), ...(own && { metadata: own }) },
    }));
}

function manifest(requested: Deploy): object {
  const { kind, name, image, replicas, revisionHistoryLimit, labels, annotations, steps, trafficRouting } = requested;
  const podLabels = { 'app.kubernetes.io/name': name };
  const canary = { steps, ...(trafficRouting && { trafficRouting }) };
  return {
    metadata: { name, labels, annotations },
    spec: {
      replicas,
      revisionHistoryLimit,
      selector: { matchLabels: podLabels },
      template: { metadata: { labels: podLabels }, spec: { containers: [{ name, image }] } },
      ...(kind === 'Rollout' && { strategy: { canary } }),
    },
  };
}
