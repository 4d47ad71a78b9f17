import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { documents } from '../core/exchanges.ts';

/** Argo CD's own namespace. */
export const ARGOCD_NAMESPACE = 'argocd';

/** Settings of the stand-in. Settings that are not given keep their defaults. */
export const ArgoSettings = z.strictObject({
  /** Durations in milliseconds of a sync and of the rollout that follows it, before division by the time scale. */
  sync_ms: z.number().min(0).max(3_600_000).default(2000),
  rollout_ms: z.number().min(0).max(3_600_000).default(2000),
  /** The outcome of syncs from now on, including syncs in progress. */
  outcome: z.enum(['Succeeded', 'Failed']).default('Succeeded'),
  /** The only accepted token; null to accept any token. */
  token: z.string().nullable().default(null),
  /** Actions that the token is not allowed to perform. */
  denied: z.array(z.enum(['get', 'sync', 'update'])).default([]),
});
export type ArgoSettings = z.infer<typeof ArgoSettings>;

/** The source of the manifests. `targetRevision` is the revision to track. */
export const Source = z.looseObject({
  repoURL: z.string().min(1),
  path: z.string().optional(),
  targetRevision: z.string().optional(),
});
export type Source = z.infer<typeof Source>;

export type InitiatedBy = { username: string } | { automated: true };

export type SyncOperation = {
  revision: string;
  source?: Source;
  prune?: boolean;
  dryRun?: boolean;
  syncStrategy?: object;
};

export type HistoryEntry = {
  id: number;
  revision: string;
  source: Source;
  deployStartedAt: string;
  deployedAt: string;
  initiatedBy: InitiatedBy;
};

/** The state of the last completed operation. */
export type OperationState = {
  operation: { sync: SyncOperation; initiatedBy: InitiatedBy };
  phase: ArgoSettings['outcome'];
  message: string;
  startedAt: string;
  finishedAt: string;
  syncResult: { revision: string; source: Source; resources: [] };
};

/** A sync window. The sandbox sets whether it is active; its schedule is not evaluated. */
export const SyncWindow = z.strictObject({
  kind: z.enum(['allow', 'deny']),
  schedule: z.string().default('0 0 * * *'),
  duration: z.string().default('24h'),
  manualSync: z.boolean().default(false),
  active: z.boolean(),
});
export type SyncWindow = z.infer<typeof SyncWindow>;

export type Spec = {
  source: Source;
  project: string;
  destination: object;
  syncPolicy?: {
    automated?: { enabled?: boolean; prune?: boolean; selfHeal?: boolean } | null;
    syncOptions?: string[];
  };
  [more: string]: unknown;
};

/** The complete state of one application. Times are in milliseconds since the Unix epoch, or in Kubernetes' format. */
export type State = {
  namespace: string;
  name: string;
  version: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  owners: { kind: string; name: string }[];
  spec: Spec;
  /** `head` is the latest revision of the branch; `known` is the revision that Argo CD read at `comparedAt`. */
  head: string;
  known: string;
  comparedAt: number;
  history: HistoryEntry[];
  /** The images of each known revision. */
  images: Record<string, string[]>;
  operation: { sync: SyncOperation; initiatedBy: InitiatedBy; startedAt: number; endsAt: number } | null;
  operationState: OperationState | null;
  /**
   * The application is Progressing until `healthyAt`. `health` is a state set in the sandbox, which takes precedence.
   */
  healthyAt: number;
  health: { status: string; message?: string } | null;
  windows: SyncWindow[];
};

export type Applications = ReturnType<typeof openApplications>;

export function openApplications(db: DatabaseSync) {
  const stored = documents<State>(db, 'argo-cd application');
  const settings = documents<ArgoSettings>(db, 'argo-cd settings');
  return {
    get: (name: string, namespace: string) => stored.get(namespace, name),
    all: () => stored.all(),
    /** Stores a state. Every change increments the resource version. */
    put: (state: State): State => stored.put({ ...state, version: state.version + 1 }, state.namespace, state.name),
    settings: (): ArgoSettings => settings.get() ?? ArgoSettings.parse({}),
    setSettings: (changed: ArgoSettings): ArgoSettings => settings.put(changed),
  };
}
