import { createHash } from 'node:crypto';
import {
  type Application,
  sourceList,
  type Operation,
  type OperationState,
  type Source,
  sourcesOf,
} from './application.ts';

/** The content of a full sync, finished or not: sources, and the revision of each. */
export type Deployment = {
  /** The history ID; null if the deployment is not in the history. */
  id: number | null;
  revisions: string[];
  sources: Source[];
};

/** Returns the history, oldest first. */
export const historyOf = ({ status }: Application): Deployment[] =>
  (status.history ?? []).map((entry) => ({
    id: entry.id,
    revisions: revisionList(entry.revisions, entry.revision),
    sources: sourceList(entry.sources, entry.source),
  }));

const revisionList = (many: string[] | null | undefined, one: string | null | undefined): string[] => {
  if (many && many.length > 0) return many;
  return one ? [one] : [];
};

/** Returns the deployment that an operation syncs; undefined for a dry run or a partial sync. */
export function deploymentOfOperation(application: Application, { sync }: Operation): Deployment | undefined {
  if (!sync || sync.dryRun === true || (sync.resources?.length ?? 0) > 0) return undefined;
  const sources = sourceList(sync.sources, sync.source);
  return {
    id: null,
    revisions: revisionList(sync.revisions, sync.revision),
    sources: sources.length > 0 ? sources : sourcesOf(application),
  };
}

/**
 * Returns the deployment that a started operation syncs. Revisions are resolved as soon as Argo CD has resolved them.
 */
export function deploymentOfState(application: Application, state: OperationState): Deployment | undefined {
  const deployment = deploymentOfOperation(application, state.operation);
  if (deployment === undefined || !state.syncResult) return deployment;
  const revisions = revisionList(state.syncResult.revisions, state.syncResult.revision);
  return revisions.length > 0 ? { ...deployment, revisions } : deployment;
}

/**
 * Returns the running deployment: the result of the last successful full sync. `status.sync.revision` is not used: it
 * is the revision that the application was compared with, which after a rollback is the rolled-back revision. Undefined
 * if the application was never synced.
 */
export function runningIn(application: Application): Deployment | undefined {
  const { operationState } = application.status;
  const last = historyOf(application).at(-1);
  const done = operationState?.phase === 'Succeeded' ? deploymentOfState(application, operationState) : undefined;
  if (done === undefined || done.revisions.length === 0) return last;
  return last !== undefined && isSameContent(done, last) ? last : done;
}

/**
 * Returns a hash of the manifests: equal if Argo CD would render the same manifests. Ignores `targetRevision`, which
 * only says how a revision was found.
 */
export const contentHash = ({ revisions, sources }: Omit<Deployment, 'id'>): string =>
  createHash('sha256')
    .update(JSON.stringify([revisions, sources.map(settingsOf)]))
    .digest('hex');

export const isSameContent = (one: Deployment, other: Deployment): boolean => contentHash(one) === contentHash(other);

/** Returns all fields of a source except `targetRevision`, with sorted keys. */
export const settingsOf = (source: Source): string => JSON.stringify(sorted({ ...source, targetRevision: null }));

/** Removes null and undefined values, and sorts the keys. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, field]) => [key, sorted(field)]),
  );
}

/** Returns a name to display. */
export const displayName = ({ revisions }: Deployment): string => revisions.join(' + ');
