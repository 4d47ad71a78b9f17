import type { DatabaseSync } from 'node:sqlite';
import { documents } from '../core/exchanges.ts';

export type EcsService = {
  cluster: string;
  name: string;
  controller: 'ECS' | 'CODE_DEPLOY' | 'EXTERNAL';
  strategy: 'ROLLING' | 'BLUE_GREEN';
  scheduling: 'REPLICA' | 'DAEMON';
  /** The deployment circuit breaker. `on`: a failed rollout is not rolled back. */
  breaker: 'off' | 'on' | 'rollback';
  desired: number;
  /** Number of running tasks until `counted_at`. From then on, the desired number is running. */
  running: number;
  counted_at: number;
};

/** A deployment of a service, in the API's terms. Times are in milliseconds since the Unix epoch. */
export type Rollout = {
  id: number;
  cluster: string;
  service: string;
  family: string;
  revision: number;
  state: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  reason: string;
  created_at: number;
  /** Null for a rollout that never ends: one that fails without a circuit breaker, or one that was replaced. */
  ends_at: number | null;
  isFailing: boolean;
  /** Whether a later rollout has replaced its tasks. */
  isDrained: boolean;
};

type Times = { now: number; rolloutMs: number };

export const rolloutId = ({ id }: { id: number }): string => `ecs-svc/${String(id).padStart(19, '1')}`;

export type Services = ReturnType<typeof openServices>;

export function openServices(db: DatabaseSync) {
  const services = documents<EcsService>(db, 'ecs service');
  const stored = documents<Rollout>(db, 'ecs rollout');
  const put = (rollout: Rollout) => stored.put(rollout, String(rollout.id));
  /** Returns all rollouts of a service, newest first. */
  const rolloutsOf = (cluster: string, service: string) =>
    stored
      .all()
      .filter((rollout) => rollout.cluster === cluster && rollout.service === service)
      .toReversed();

  const begin = (
    { cluster, name }: EcsService,
    { family, revision }: Pick<Rollout, 'family' | 'revision'>,
    { now, rolloutMs }: Times,
    reason = 'ECS deployment in progress.',
  ): Rollout => {
    for (const replaced of rolloutsOf(cluster, name)) put({ ...replaced, ends_at: null });
    const times = { created_at: now, ends_at: now + rolloutMs };
    const id = stored.count() + 1;
    const of = { id, cluster, service: name, family, revision, reason };
    return put({ ...of, ...times, state: 'IN_PROGRESS', isFailing: false, isDrained: false });
  };
  const end = (rollout: Rollout, at: Times): void => {
    const { id, cluster, service: name } = rollout;
    const ended = { ...rollout, ends_at: null };
    if (!rollout.isFailing) {
      put({ ...ended, state: 'COMPLETED', reason: `ECS deployment ${rolloutId(rollout)} completed.` });
      for (const earlier of rolloutsOf(cluster, name)) if (earlier.id < id) put({ ...earlier, isDrained: true });
      return;
    }
    const service = services.get(cluster, name);
    if (service === undefined || service.breaker === 'off') return void put(ended);
    put({ ...ended, state: 'FAILED', reason: 'ECS deployment circuit breaker: tasks failed to start.' });
    const last = rolloutsOf(cluster, name).find(({ state }) => state === 'COMPLETED');
    if (service.breaker === 'rollback' && last)
      begin(service, last, at, `ECS deployment circuit breaker: rolling back to deploymentId ${rolloutId(last)}.`);
  };

  return {
    all: () => services.all(),
    find: (cluster: string, name: string) => services.get(cluster, name),
    inCluster: (name: string) => services.all().some(({ cluster }) => cluster === name),
    put: (service: EcsService) => services.put(service, service.cluster, service.name),
    /** Returns the rollouts that are not drained yet. The newest one is the primary deployment. */
    rollouts: ({ cluster, name }: EcsService) => rolloutsOf(cluster, name).filter(({ isDrained }) => !isDrained),
    begin,
    /** Makes the tasks of the rollout in progress fail to start. */
    fail({ cluster, name }: EcsService): void {
      const [newest] = rolloutsOf(cluster, name);
      if (newest) put({ ...newest, isFailing: true });
    },
    /** Completes the rollouts that are due, because the stand-in has no timers. Call it before every other function. */
    settle(at: Times): void {
      const next = () =>
        stored.all().find(({ state, ends_at: due }) => state === 'IN_PROGRESS' && due !== null && due <= at.now);
      for (let due = next(); due; due = next()) end(due, at);
    },
  };
}
