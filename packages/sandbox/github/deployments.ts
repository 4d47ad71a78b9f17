import type { DatabaseSync } from 'node:sqlite';

export const deploymentTables = `
  create table if not exists github_deployments (
    id integer primary key,
    repository text not null collate nocase,
    environment text not null,
    sha text not null,
    ref text not null,
    created_at integer not null
  );
  create table if not exists github_deployment_statuses (
    id integer primary key,
    deployment integer not null references github_deployments (id),
    state text not null,
    log_path text,
    created_at integer not null
  );
  create index if not exists github_statuses_by_deployment on github_deployment_statuses (deployment);
`;

/** A deployment. Times are in milliseconds since the Unix epoch. */
export type Deployment = {
  id: number;
  repository: string;
  environment: string;
  sha: string;
  ref: string;
  created_at: number;
};

/** A deployment status. `log_path` does not include the origin. */
export type Status = { id: number; deployment: number; state: string; log_path: string | null; created_at: number };

export type Deployments = {
  /** Returns the deployments of a repository, newest first. */
  all(repository: string): Deployment[];
  byId(repository: string, id: number): Deployment | undefined;
  create(deployment: Omit<Deployment, 'id' | 'created_at'>, at: number): Deployment;
  /** Returns the statuses of a deployment, newest first. */
  statuses(deployment: Deployment): Status[];
  /** Adds a status. A success makes earlier successful deployments in the environment inactive. */
  setStatus(deployment: Deployment, state: string, logPath: string | null, at: number): Status;
};

export function openDeployments(db: DatabaseSync): Deployments {
  const all = db.prepare('select * from github_deployments where repository = ? order by id desc');
  const byId = db.prepare('select * from github_deployments where repository = ? and id = ?');
  const create = db.prepare(`
    insert into github_deployments (repository, environment, sha, ref, created_at)
    values (:repository, :environment, :sha, :ref, :at) returning *`);
  const statuses = db.prepare('select * from github_deployment_statuses where deployment = ? order by id desc');
  const setStatus = db.prepare(`
    insert into github_deployment_statuses (deployment, state, log_path, created_at)
    values (:deployment, :state, :logPath, :at) returning *`);

  const statusesOf = ({ id }: Deployment) => statuses.all(id) as Status[];
  return {
    all: (repository) => all.all(repository) as Deployment[],
    byId: (repository, id) => byId.get(repository, id) as Deployment | undefined,
    create: (deployment, at) => create.get({ ...deployment, at }) as Deployment,
    statuses: statusesOf,
    setStatus(deployment, state, logPath, at) {
      const status = setStatus.get({ deployment: deployment.id, state, logPath, at }) as Status;
      if (state !== 'success') return status;
      for (const other of all.all(deployment.repository) as Deployment[]) {
        const isBefore = other.environment === deployment.environment && other.id < deployment.id;
        const [newest] = statusesOf(other);
        if (isBefore && newest?.state === 'success')
          setStatus.run({ deployment: other.id, state: 'inactive', logPath: newest.log_path, at });
      }
      return status;
    },
  };
}
