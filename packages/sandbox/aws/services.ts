import type { DatabaseSync } from 'node:sqlite';

export const serviceTables = `
  create table if not exists aws_services (
    cluster text not null,
    name text not null,
    controller text not null,
    strategy text not null,
    scheduling text not null,
    breaker text not null,
    desired integer not null,
    running integer not null,
    counted_at integer not null,
    primary key (cluster, name)
  );
  create table if not exists aws_rollouts (
    id integer primary key autoincrement,
    cluster text not null,
    service text not null,
    family text not null,
    revision integer not null,
    state text not null,
    reason text not null,
    created_at integer not null,
    ends_at integer,
    failing integer not null default 0,
    drained integer not null default 0
  );
`;

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
  failing: 0 | 1;
};

export type Services = {
  all(): EcsService[];
  find(cluster: string, name: string): EcsService | undefined;
  inCluster(cluster: string): boolean;
  put(service: EcsService): void;
  /** Returns the rollouts that are not drained yet. The newest one is the primary deployment. */
  rollouts(service: EcsService): Rollout[];
  begin(
    service: EcsService,
    to: { family: string; revision: number },
    at: { now: number; rolloutMs: number },
    reason?: string,
  ): Rollout;
  /** Makes the tasks of the rollout in progress fail to start. */
  fail(service: EcsService): void;
  /** Completes the rollouts that are due, because the stand-in has no timers. Call it before every other function. */
  settle(now: number, rolloutMs: number): void;
};

export const rolloutId = ({ id }: { id: number }): string => `ecs-svc/${String(id).padStart(19, '1')}`;

export function openServices(db: DatabaseSync): Services {
  const all = db.prepare('select * from aws_services order by cluster, name');
  const find = db.prepare('select * from aws_services where cluster = ? and name = ?');
  const inCluster = db.prepare('select 1 from aws_services where cluster = ?');
  const put = db.prepare(`
    insert or replace into aws_services
      (cluster, name, controller, strategy, scheduling, breaker, desired, running, counted_at)
    values (:cluster, :name, :controller, :strategy, :scheduling, :breaker, :desired, :running, :counted_at)`);
  const rollouts = db.prepare(`
    select * from aws_rollouts where cluster = ? and service = ? and drained = 0 order by id desc`);
  const stopReplaced = db.prepare('update aws_rollouts set ends_at = null where cluster = ? and service = ?');
  const begin = db.prepare(`
    insert into aws_rollouts (cluster, service, family, revision, state, reason, created_at, ends_at)
    values (:cluster, :service, :family, :revision, 'IN_PROGRESS', :reason, :created_at, :ends_at) returning *`);
  const fail = db.prepare(`
    update aws_rollouts set failing = 1 where id = (select max(id) from aws_rollouts where cluster = ? and service = ?)`);
  const due = db.prepare(`
    select * from aws_rollouts where state = 'IN_PROGRESS' and ends_at <= ? order by ends_at, id limit 1`);
  const end = db.prepare('update aws_rollouts set state = ?, reason = ?, ends_at = null where id = ?');
  const drain = db.prepare('update aws_rollouts set drained = 1 where cluster = ? and service = ? and id < ?');
  const lastGood = db.prepare(`
    select * from aws_rollouts where cluster = ? and service = ? and state = 'COMPLETED' order by id desc limit 1`);

  const services: Services = {
    all: () => all.all() as EcsService[],
    find: (cluster, name) => find.get(cluster, name) as EcsService | undefined,
    inCluster: (cluster) => inCluster.get(cluster) !== undefined,
    put: (service) => void put.run(service),
    rollouts: ({ cluster, name }) => rollouts.all(cluster, name) as Rollout[],
    begin({ cluster, name }, { family, revision }, { now, rolloutMs }, reason) {
      stopReplaced.run(cluster, name);
      const values = { cluster, service: name, family, revision, created_at: now, ends_at: now + rolloutMs };
      return begin.get({ ...values, reason: reason ?? 'ECS deployment in progress.' }) as Rollout;
    },
    fail: ({ cluster, name }) => void fail.run(cluster, name),
    settle(now, rolloutMs) {
      for (let rollout = due.get(now) as Rollout | undefined; rollout; rollout = due.get(now) as Rollout | undefined) {
        const service = find.get(rollout.cluster, rollout.service) as EcsService;
        if (rollout.failing === 0) endCompleted(rollout);
        else endFailed(rollout, service, { now, rolloutMs });
      }
    },
  };

  const endCompleted = (rollout: Rollout): void => {
    end.run('COMPLETED', `ECS deployment ${rolloutId(rollout)} completed.`, rollout.id);
    drain.run(rollout.cluster, rollout.service, rollout.id);
  };

  const endFailed = (rollout: Rollout, service: EcsService, at: { now: number; rolloutMs: number }): void => {
    if (service.breaker === 'off') return void end.run('IN_PROGRESS', rollout.reason, rollout.id);
    end.run('FAILED', 'ECS deployment circuit breaker: tasks failed to start.', rollout.id);
    const lastCompleted = lastGood.get(rollout.cluster, rollout.service) as Rollout | undefined;
    if (service.breaker === 'rollback' && lastCompleted)
      services.begin(
        service,
        lastCompleted,
        at,
        `ECS deployment circuit breaker: rolling back to deploymentId ${rolloutId(lastCompleted)}.`,
      );
  };
  return services;
}
