import { type ChaosEngine, type PodChaos, reconcileEngine, reconcilePodChaos } from './chaos.ts';
import { reconcileDeployment } from './deployments.ts';
import { reconcileRoute } from './gateway.ts';
import type { Deployment, HttpRoute, Rollout } from './objects.ts';
import { reconcileRollout } from './rollouts.ts';
import { openWorld, type World } from './cluster-state.ts';
import type { StandInDeps } from '../core/stand-in.ts';

export type Cluster = {
  world: World;
  /** Milliseconds since the Unix epoch. */
  now: number;
  save(): void;
};

/** Opens the cluster and applies the changes of its controllers that are due. They are stored only by `save`. */
export function openCluster({ db, now: clock, timeScale }: StandInDeps): Cluster {
  const now = clock();
  const time = { now: () => now, timeScale };
  const world = openWorld(db);
  for (const item of world.list<Deployment>('Deployment')) reconcileDeployment(world, item, time);
  for (const item of world.list<Rollout>('Rollout')) {
    if (!('workloadRef' in item.object.spec)) reconcileRollout(world, item, time);
  }
  for (const item of world.list<HttpRoute>('HTTPRoute')) reconcileRoute(world, item, time);
  for (const item of world.list<ChaosEngine>('ChaosEngine')) reconcileEngine(world, item, time);
  for (const item of world.list<PodChaos>('PodChaos')) reconcilePodChaos(world, item, time);
  return { world, now, save: () => world.save() };
}
