import { createHash } from 'node:crypto';
import {
  type Application,
  listOf,
  type Operation,
  type OperationState,
  type Source,
  sourcesOf,
} from './application.ts';

/** What a full sync puts live, or has put live: sources, and the revision of each. */
export type Deployment = {
  /** In the history; null: it is not in there. */
  id: number | null;
  revisions: string[];
  sources: Source[];
};

/** Oldest first. */
export const historyOf = ({ status }: Application): Deployment[] =>
  (status.history ?? []).map((entry) => ({
    id: entry.id,
    revisions: listOfRevisions(entry.revisions, entry.revision),
    sources: listOf(entry.sources, entry.source),
  }));

const listOfRevisions = (many: string[] | null | undefined, one: string | null | undefined): string[] => {
  if (many && many.length > 0) return many;
  return one ? [one] : [];
};

/** What an operation brings; undefined: not all of something. */
export function broughtBy(application: Application, { sync }: Operation): Deployment | undefined {
  if (!sync || sync.dryRun === true || (sync.resources?.length ?? 0) > 0) return undefined;
  const sources = listOf(sync.sources, sync.source);
  return {
    id: null,
    revisions: listOfRevisions(sync.revisions, sync.revision),
    sources: sources.length > 0 ? sources : sourcesOf(application),
  };
}

/** What an operation that has been begun brings, with every revision resolved as soon as Argo CD has done so. */
export function broughtByState(application: Application, state: OperationState): Deployment | undefined {
  const asked = broughtBy(application, state.operation);
  if (asked === undefined || !state.syncResult) return asked;
  const revisions = listOfRevisions(state.syncResult.revisions, state.syncResult.revision);
  return revisions.length > 0 ? { ...asked, revisions } : asked;
}

/**
 * What runs: what the last full sync that succeeded has brought. `status.sync.revision` does not say it: that is what
 * the application was compared with, which after a rollback is what was taken back. Undefined: it was never synced.
 */
export function runningIn(application: Application): Deployment | undefined {
  const { operationState } = application.status;
  const last = historyOf(application).at(-1);
  const done = operationState?.phase === 'Succeeded' ? broughtByState(application, operationState) : undefined;
  if (done === undefined || done.revisions.length === 0) return last;
  return last !== undefined && isSame(done, last) ? last : done;
}

/**
 * The same manifests, by all that Argo CD knows: `targetRevision` only says how a revision was found.
 */
export const contentOf = ({ revisions, sources }: Omit<Deployment, 'id'>): string =>
  createHash('sha256')
    .update(JSON.stringify([revisions, sources.map(settingsOf)]))
    .digest('hex');

export const isSame = (one: Deployment, other: Deployment): boolean => contentOf(one) === contentOf(other);

/** All of a source but where it is at, in one order. */
export const settingsOf = (source: Source): string => JSON.stringify(sorted({ ...source, targetRevision: null }));

/** Without what is absent, and keys in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined);
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** For people. */
export const nameOf = ({ revisions }: Deployment): string => revisions.join(' + ');
