import { Hono } from 'hono';
import * as z from 'zod';
import { createObject, RESOURCES, updateObject } from './admission.ts';
import { openCluster } from './cluster.ts';
import { fluxSandbox } from './flux.ts';
import { flaggerSandbox } from './flagger/sandbox.ts';
import type { Deployment, KubernetesObject } from './objects.ts';
import { ClusterSettings, openClusterObjects, setClusterSettings, type ClusterObjects } from './cluster-state.ts';
import { check, readJson } from '../core/problem.ts';
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

export function clusterSandbox(deps: StandInDeps): Hono {
  return new Hono()
    .post('/deploy', async (c) => {
      const cluster = openCluster(deps);
      const object = deploy(cluster.objects, check(Deploy, await readJson(c)), cluster.now);
      cluster.save();
      return c.json(object);
    })
    .route('/flagger', flaggerSandbox(deps))
    .route('/flux', fluxSandbox(deps))
    .get('/settings', (c) => c.json(openClusterObjects(deps.db).settings))
    .put('/settings', async (c) => {
      openCluster(deps).save(); // apply the changes that are due with the settings so far
      setClusterSettings(deps.db, check(ClusterSettings, await readJson(c)));
      return c.json(openClusterObjects(deps.db).settings);
    });
}

function deploy(objects: ClusterObjects, requested: Deploy, now: number): KubernetesObject {
  const { kind, namespace, name, image } = requested;
  const resource = RESOURCES.find((one) => one.kind === kind);
  if (resource === undefined) throw new Error(`no resource of kind ${kind}`);
  const item = objects.find<Deployment>(kind, namespace, name);
  if (item === undefined) return createObject(objects, resource, namespace, manifest(requested), now);
  const { template } = item.object.spec;
  const [first, ...others] = template.spec.containers;
  const containers = [{ ...first, name: first?.name ?? name, image }, ...others];
  const spec = { ...item.object.spec, template: { ...template, spec: { ...template.spec, containers } } };
  return updateObject(objects, resource, item, { json: { ...item.object, spec }, part: 'main', now });
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
