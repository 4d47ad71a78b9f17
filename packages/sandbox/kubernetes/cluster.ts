import { type ChaosEngine, type PodChaos, reconcileEngine, reconcilePodChaos } from './chaos.ts';
import { reconcileDeployment } from './deployments.ts';
import { type Experiment, reconcileExperiment } from './experiments.ts';
import { reconcileRoute } from './gateway.ts';
import type { Deployment, HttpRoute, Rollout } from './objects.ts';
import { type Pod, reconcilePod } from './pods.ts';
import { reconcileRollout } from './rollouts.ts';
import { openClusterObjects, type ClusterObjects } from './cluster-state.ts';
import type { StandInDeps } from '../core/stand-in.ts';

export type Cluster = {
  objects: ClusterObjects;
  /** Milliseconds since the Unix epoch. */
  now: number;
  save(): void;
};

/** Opens the cluster and applies the changes of its controllers that are due. They are stored only by `save`. */
export function openCluster({ db, now: clock, timeScale }: StandInDeps): Cluster {
  const now = clock();
  const time = { now: () => now, timeScale };
  const objects = openClusterObjects(db);
  for (const item of objects.list<Deployment>('Deployment')) reconcileDeployment(objects, item, time);
  for (const item of objects.list<Rollout>('Rollout')) {
    if (!('workloadRef' in item.object.spec)) reconcileRollout(objects, item, time);
  }
  for (const item of objects.list<Pod>('Pod')) reconcilePod(objects, item, time);
  for (const item of objects.list<Experiment>('Experiment')) reconcileExperiment(objects, item, time);
  for (const item of objects.list<HttpRoute>('HTTPRoute')) reconcileRoute(objects, item, time);
  for (const item of objects.list<ChaosEngine>('ChaosEngine')) reconcileEngine(objects, item, time);
  for (const item of objects.list<PodChaos>('PodChaos')) reconcilePodChaos(objects, item, time);
  return { objects, now, save: () => objects.save() };
}
