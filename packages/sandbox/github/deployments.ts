import type { DatabaseSync } from 'node:sqlite';
import { documents } from '../core/exchanges.ts';

/** A deployment. Times are in milliseconds since the Unix epoch. */
export type Deployment = {
  id: number;
  repository: string;
  environment: string;
  sha: string;
  ref: string;
  created_at: number;
  /** Newest first. */
  statuses: Status[];
};

/** A deployment status. `log_path` does not include the origin. */
export type Status = { id: number; state: string; log_path: string | null; created_at: number };

export function openDeployments(db: DatabaseSync) {
  const stored = documents<Deployment>(db, 'github deployment');
  const put = (deployment: Deployment) => stored.put(deployment, String(deployment.id));
  const addStatus = (deployment: Deployment, status: Omit<Status, 'id'>): Status => {
    const added = { id: deployment.id * 1000 + deployment.statuses.length + 1, ...status };
    put({ ...deployment, statuses: [added, ...deployment.statuses] });
    return added;
  };
  /** Returns the deployments of a repository, newest first. */
  const all = (repository: string): Deployment[] =>
    stored
      .all()
      .filter((one) => one.repository.toLowerCase() === repository.toLowerCase())
      .toReversed();
  return {
    all,
    byId: (repository: string, id: number) => all(repository).find((deployment) => deployment.id === id),
    create: (deployment: Omit<Deployment, 'id' | 'created_at' | 'statuses'>, at: number): Deployment =>
      put({ ...deployment, id: stored.count() + 1, created_at: at, statuses: [] }),
    /** Adds a status. A success makes earlier successful deployments in the environment inactive. */
    setStatus(deployment: Deployment, state: string, logPath: string | null, at: number): Status {
      const { id, repository, environment } = deployment;
      const isBefore = (other: Deployment) => other.environment === environment && other.id < id;
      for (const other of state === 'success' ? all(repository).filter(isBefore) : []) {
        const [newest] = other.statuses;
        if (newest?.state === 'success') addStatus(other, { ...newest, state: 'inactive', created_at: at });
      }
      return addStatus(deployment, { state, log_path: logPath, created_at: at });
    },
  };
}
