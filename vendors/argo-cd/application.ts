import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Clock } from '../../core/domain/ports/system.ts';
import type { RollbackCall, TargetResponse } from '../../core/domain/rollback/targets.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { truncate } from '../shared/text.ts';
import { fromVersion, toVersion } from '../shared/versions.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/**
 * The fields of an Application that Firebreak reads.
 * @see https://github.com/argoproj/argo-cd/blob/master/pkg/apis/application/v1alpha1/types.go
 */

/** A source of manifests. Keeps all fields, because two sources are the same only if no field differs. */
export const Source = z.looseObject({
  repoURL: z.string().default(''),
  path: z.string().nullish(),
  /** A branch, a tag, a commit, or a chart version. */
  targetRevision: z.string().nullish(),
  /** The name of a Helm chart. If it is set, `revision` is the chart version. */
  chart: z.string().nullish(),
  kustomize: z.looseObject({ images: z.array(z.string()).nullish() }).nullish(),
  helm: z
    .looseObject({
      parameters: z.array(z.looseObject({ name: z.string().nullish(), value: z.string().nullish() })).nullish(),
    })
    .nullish(),
});

export type Source = z.infer<typeof Source>;

/** The content of a sync: one source with one revision, or several sources with one revision each. */
const Content = {
  revision: z.string().nullish(),
  revisions: z.array(z.string()).nullish(),
  source: Source.nullish(),
  sources: z.array(Source).nullish(),
};

const InitiatedBy = z.object({ username: z.string().nullish(), automated: z.boolean().nullish() });

/** An int64, which some gateways write as a string. */
const HistoryId = z.union([z.number().int(), z.string().regex(/^\d+$/).transform(Number)]);

const Operation = z.object({
  sync: z.object({ ...Content, dryRun: z.boolean().nullish(), resources: z.array(z.unknown()).nullish() }).nullish(),
  initiatedBy: InitiatedBy.nullish(),
});

type Operation = z.infer<typeof Operation>;

const ResourceResult = z.object({
  kind: z.string().nullish(),
  name: z.string().nullish(),
  status: z.string().nullish(),
  hookPhase: z.string().nullish(),
  message: z.string().nullish(),
});

const OperationState = z.object({
  operation: Operation,
  phase: z.string(),
  message: z.string().nullish(),
  finishedAt: z.string().nullish(),
  /** The result of `operation`, with every revision resolved. */
  syncResult: z.object({ ...Content, resources: z.array(ResourceResult).nullish() }).nullish(),
});

type OperationState = z.infer<typeof OperationState>;

const SyncPolicy = z.object({
  automated: z.looseObject({ enabled: z.boolean().nullish() }).nullish(),
  syncOptions: z.array(z.string()).nullish(),
});

const Metadata = z.object({
  name: z.string(),
  namespace: z.string().nullish(),
  resourceVersion: z.string().nullish(),
  labels: z.record(z.string(), z.string()).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
  ownerReferences: z.array(z.object({ kind: z.string(), name: z.string() })).nullish(),
});

const Spec = z.object({
  source: Source.nullish(),
  sources: z.array(Source).nullish(),
  sourceHydrator: z.unknown().optional(),
  syncPolicy: SyncPolicy.nullish(),
  ignoreDifferences: z
    .array(z.object({ group: z.string().nullish(), kind: z.string(), jsonPointers: z.array(z.string()).nullish() }))
    .nullish(),
});

const Status = z.object({
  sync: z
    .object({ status: z.string().nullish(), revision: z.string().nullish(), revisions: z.array(z.string()).nullish() })
    .nullish(),
  health: z.object({ status: z.string().nullish(), message: z.string().nullish() }).nullish(),
  /** Oldest first. Contains only successful full syncs, up to `revisionHistoryLimit` (default 10). */
  history: z.array(z.object({ ...Content, id: HistoryId, deployedAt: z.string().nullish() })).nullish(),
  /** The time of the last comparison with Git. */
  reconciledAt: z.string().nullish(),
  operationState: OperationState.nullish(),
  summary: z.object({ images: z.array(z.string()).nullish() }).nullish(),
});

export const Application = z.object({
  metadata: Metadata,
  spec: Spec,
  status: Status.default({}),
  /** A requested operation that has not finished. `operationState` reports its progress. */
  operation: Operation.nullish(),
});

export type Application = z.infer<typeof Application>;

/** Milliseconds for all calls of one attempt together, except calls to GitHub. */
export const ATTEMPT_MS = 15_000;

/** Bytes of a response. Large, because an application lists every managed object and its result in the last sync. */
export const APPLICATION_MAX_BYTES = 8 * 1024 * 1024;

/**
 * Milliseconds that an application can be Degraded, Missing, or of unknown health after a sync before the rollback
 * counts as failed. A rolling update is Progressing, which has no limit, but an application whose recovery has just
 * begun can keep its earlier bad health for a moment.
 */
const UNHEALTHY_MS = 5 * 60_000;

/** Maximum characters of an Argo CD error message in a result. */
export const MESSAGE_MAX_CHARS = 300;

/** Returns the sources of the next sync. */
export const sourcesOf = ({ spec }: Application): Source[] => sourceList(spec.sources, spec.source);

/** Returns the list if it has entries, otherwise the single source. Beside a list, Argo CD writes an empty source. */
const sourceList = (many: Source[] | null | undefined, one: Source | null | undefined): Source[] => {
  if (many && many.length > 0) return many;
  return one && one.repoURL !== '' ? [one] : [];
};

/** Automated sync is off without `automated` and, since Argo CD 3.1, also with `enabled: false`. */
export const isAutomated = ({ spec }: Application): boolean => {
  const automated = spec.syncPolicy?.automated;
  return automated !== null && automated !== undefined && automated.enabled !== false;
};

/** Returns the history ID of the newest deployment. */
export const newestHistoryId = ({ status }: Application): number | null => status.history?.at(-1)?.id ?? null;

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
function deploymentOfOperation(application: Application, { sync }: Operation): Deployment | undefined {
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

/** A commit, which can be abbreviated to at least 7 digits, Git's own minimum. */
const SHORT_COMMIT = /^[0-9a-f]{7,}$/i;

/** Returns whether the deployment shows the version or its commit. */
const isNamed = (deployment: Deployment, name: string): boolean =>
  deployment.revisions.some((revision) => isRevision(revision, name)) ||
  deployment.sources.some((source) => versionNamesOf(source).includes(name));

const isRevision = (revision: string, name: string): boolean =>
  revision === name || (SHORT_COMMIT.test(name) && revision.startsWith(name.toLowerCase()));

/** Returns the tags and versions that the Application itself sets: chart versions, Git tags, and image overrides. */
const versionNamesOf = ({ targetRevision, kustomize, helm }: Source): string[] => [
  ...(targetRevision ? [targetRevision] : []),
  ...(kustomize?.images ?? []).flatMap(tagOf),
  ...(helm?.parameters ?? []).flatMap(({ name, value }) =>
    value && /(?:tag|version)$/i.test(name ?? '') ? [value] : [],
  ),
];

/** Returns the tag of `registry:5000/name:tag@digest`, which kustomize can prefix with `name=`. */
const tagOf = (image: string): string[] => {
  const [, tag] = /:([^/:]+)$/.exec(image.split('=').at(-1)?.split('@', 1)[0] ?? '') ?? [];
  return tag === undefined ? [] : [tag];
};

type RollbackNames = Pick<RollbackCall, 'from' | 'to' | 'fromCommit' | 'toCommit'>;

/** Returns whether `from` runs. If the history doesn't contain it, checks the running images. */
export function isFrom(application: Application, running: Deployment, request: RollbackNames): boolean {
  const { version: from, commit } = fromVersion(request);
  const runsFrom = (deployment: Deployment) =>
    isNamed(deployment, from) || (commit !== null && isNamed(deployment, commit));
  if (runsFrom(running)) return true;
  if (historyOf(application).some(runsFrom)) return false;
  return (application.status.summary?.images ?? []).flatMap(tagOf).includes(from);
}

type FoundTarget = { kind: 'found'; deployment: Deployment & { id: number } } | { kind: 'not_found'; detail: string };

/**
 * Finds the deployment in the history that `to` or its commit names. Repeated deployments of the same content count as
 * one, with the newest ID. Two different deployments are ambiguous, and neither is chosen.
 */
export function findTarget(application: Application, request: RollbackNames): FoundTarget {
  const { version: to, commit: toCommit } = toVersion(request);
  const history = newestOfEach(historyOf(application));
  const byVersion = history.filter((deployment) => isNamed(deployment, to));
  const byCommit = toCommit === null ? [] : history.filter((deployment) => isNamed(deployment, toCommit));
  const both = byVersion.filter((deployment) => byCommit.some((other) => isSameContent(other, deployment)));
  const candidates = byVersion.length > 0 && byCommit.length > 0 ? both : [...byVersion, ...byCommit];

  const wanted = toCommit === null || toCommit === to ? to : `${to} (commit ${toCommit})`;
  const name = application.metadata.name;
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0 && only.id !== null)
    return { kind: 'found', deployment: { ...only, id: only.id } };
  if (only !== undefined)
    return notFound(`more than one deployment of ${name} matches ${wanted}: ${listed(candidates)}`);
  if (byVersion.length > 0)
    return notFound(
      `${to} and ${toCommit ?? ''} are different deployments of ${name}: ${listed([...byVersion, ...byCommit])}`,
    );
  return notFound(
    `the history of ${name} has no ${wanted}; it has ${history.length === 0 ? 'nothing' : listed(history)}. Record ` +
      'deployments with the commit that Argo CD syncs, and keep enough of them (revisionHistoryLimit)',
  );
}

const notFound = (detail: string): FoundTarget => ({ kind: 'not_found', detail });

const newestOfEach = (history: readonly Deployment[]): Deployment[] => [
  ...new Map(history.map((deployment) => [contentHash(deployment), deployment])).values(),
];

/** Maximum number of deployments in a message. */
const LISTED_MAX = 10;

const listed = (deployments: readonly Deployment[]): string =>
  deployments
    .toReversed()
    .slice(0, LISTED_MAX)
    .map((deployment) => `${deployment.id ?? '?'}: ${descriptionOf(deployment)}`)
    .join(', ');

const descriptionOf = (deployment: Deployment): string => {
  const names = [...new Set(deployment.sources.flatMap(versionNamesOf))].filter(
    (name) => !deployment.revisions.includes(name),
  );
  const revision = displayName({ ...deployment, revisions: deployment.revisions.map(shortRevision) });
  return names.length === 0 ? revision : `${revision} (${names.join(', ')})`;
};

const shortRevision = (revision: string): string =>
  /^[0-9a-f]{40,}$/.test(revision) ? revision.slice(0, 7) : revision;

/** The running operation of an application. Argo CD runs one at a time. */
type OperationInProgress = { startedBy: string; deployment: Deployment | undefined };

export function operationInProgress(application: Application): OperationInProgress | undefined {
  const { operation, status } = application;
  const state = status.operationState;
  if (state && (state.phase === 'Running' || state.phase === 'Terminating'))
    return { startedBy: initiatorOf(state.operation), deployment: deploymentOfState(application, state) };
  // The operation is requested but not started; `operationState`, if set, belongs to the previous operation.
  return operation
    ? { startedBy: initiatorOf(operation), deployment: deploymentOfOperation(application, operation) }
    : undefined;
}

const initiatorOf = ({ initiatedBy }: Operation): string =>
  initiatedBy?.automated === true ? 'automated sync' : initiatedBy?.username || 'an unknown user';

export const describeOperation = ({ startedBy, deployment }: OperationInProgress): string =>
  `a sync by ${startedBy}${deployment === undefined || deployment.revisions.length === 0 ? '' : ` to ${displayName(deployment)}`}`;

/** Returns whether the operation ended with a failure. */
export const hasFailed = ({ phase }: OperationState): boolean => phase === 'Failed' || phase === 'Error';

/** Returns the error message, with up to three failed objects. */
export function failureOf({ phase, message, syncResult }: OperationState): string {
  const failed = (syncResult?.resources ?? []).filter(
    ({ status, hookPhase }) => status === 'SyncFailed' || hookPhase === 'Failed' || hookPhase === 'Error',
  );
  const errors = failed
    .slice(0, 3)
    .map(({ kind, name, message: why }) => `${kind ?? ''} ${name ?? ''}: ${why ?? ''}`.trim());
  const text = [message, ...errors].filter(Boolean).join('; ');
  return text === '' ? `it ended as ${phase}` : text;
}

/** Returns whether the health was assessed after the last operation. Both times are in whole seconds. */
export function isHealthFresh({ status }: Application): boolean {
  const finished = status.operationState?.finishedAt;
  return !finished || (status.reconciledAt ? Date.parse(status.reconciledAt) > Date.parse(finished) : false);
}

/**
 * Returns the result after a successful sync. A sync only applies manifests; only the health shows that they have
 * replaced the previous deployment.
 *
 * @param before the health when the rollback began; a deliberately paused application, such as one with a CronJob,
 *   stays Suspended
 */
export function resultByHealth(
  { metadata, status }: Application,
  { before, progress, id, clock }: { before: string | null; progress: TargetResponse; id: string; clock: Clock },
): TargetResponse {
  const health = status.health?.status ?? 'Unknown';
  if (health === 'Healthy' || (health === 'Suspended' && before === 'Suspended')) return { kind: 'succeeded', id };
  if (health === 'Progressing') return progress;
  const finished = status.operationState?.finishedAt ?? status.history?.at(-1)?.deployedAt;
  const since = finished ? Date.parse(finished) : Number.NaN;
  // Without a time, continue until the workflow gives up.
  if (!(millisOf(clock.now()) - since >= UNHEALTHY_MS)) return progress;
  const why = status.health?.message ? `: ${truncate(status.health.message, MESSAGE_MAX_CHARS)}` : '';
  return {
    kind: 'failed',
    detail: `synced, but ${metadata.name} is still ${health} ${UNHEALTHY_MS / 60_000} minutes later${why}`,
  };
}

/** A rollback in the cluster that Argo CD has accepted. */
export const RollbackHandle = z.object({
  by: z.literal('rollback'),
  /** The history ID. */
  id: z.number(),
  /** The revisions of the deployment, and a hash of its revisions and sources. */
  revisions: z.array(z.string()),
  content: z.string(),
  /** The newest history ID and the application's health when Argo CD accepted the rollback. */
  after: z.number().nullable(),
  health: z.string().nullable(),
  /** The first `resourceVersion` that includes the rollback. */
  version: z.string().nullable(),
});

export type RollbackHandle = z.infer<typeof RollbackHandle>;

/** A revert in Git. Automated sync deploys it. */
export const GitHandle = z.object({
  by: z.literal('git'),
  /** The commit; null while the pull request is not merged. */
  sha: z.string().nullable(),
  /** The index of the source, and the reverted folder. */
  source: z.number(),
  path: z.string().nullable(),
  /** The newest history ID, the head commit that Argo CD knew, and the health before the revert. */
  after: z.number().nullable(),
  head: z.string().nullable(),
  health: z.string().nullable(),
});

export type GitHandle = z.infer<typeof GitHandle>;

type Handle = RollbackHandle | GitHandle;

const AnyHandle = z.discriminatedUnion('by', [RollbackHandle, GitHandle]);

/** Returns undefined for a handle of another deployer. */
export const readHandle = (text: string): Handle | undefined => AnyHandle.safeParse(parseJson(text)).data;

export const writeHandle = (handle: Handle): string => JSON.stringify(handle);
