import * as z from 'zod';

/**
 * The fields of an Application that Firebreak reads.
 * @see https://github.com/argoproj/argo-cd/blob/master/pkg/apis/application/v1alpha1/types.go
 */

/** A source of manifests. Keeps all fields, because two sources are the same only if no field differs. */
const Source = z.looseObject({
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
export type Operation = z.infer<typeof Operation>;

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
export type OperationState = z.infer<typeof OperationState>;

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

/** Returns the sources of the next sync. */
export const sourcesOf = ({ spec }: Application): Source[] => sourceList(spec.sources, spec.source);

/** Returns the list if it has entries, otherwise the single source. Beside a list, Argo CD writes an empty source. */
export const sourceList = (many: Source[] | null | undefined, one: Source | null | undefined): Source[] => {
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
