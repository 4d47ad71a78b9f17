import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';

export const applicationTables = `
  create table if not exists argocd_applications (
    namespace text not null,
    name text not null,
    state text not null,
    primary key (namespace, name)
  );
  create table if not exists argocd_settings (id integer primary key check (id = 1), settings text not null);
`;

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

export type Applications = {
  get(name: string, namespace: string): State | undefined;
  all(): State[];
  /** Stores a state. Every change increments the resource version. */
  put(state: State): State;
  settings(): ArgoSettings;
  setSettings(settings: ArgoSettings): void;
};

export function openApplications(db: DatabaseSync): Applications {
  const get = db.prepare('select state from argocd_applications where namespace = ? and name = ?');
  const all = db.prepare('select state from argocd_applications order by namespace, name');
  const put = db.prepare('insert or replace into argocd_applications (namespace, name, state) values (?, ?, ?)');
  const settings = db.prepare('select settings from argocd_settings');
  const setSettings = db.prepare(`
    insert into argocd_settings (id, settings) values (1, ?1) on conflict do update set settings = ?1`);
  const read = (row: unknown): State => JSON.parse((row as { state: string }).state) as State;
  return {
    get(name, namespace) {
      const row = get.get(namespace, name);
      return row === undefined ? undefined : read(row);
    },
    all: () => all.all().map(read),
    put(state) {
      const changed = { ...state, version: state.version + 1 };
      put.run(state.namespace, state.name, JSON.stringify(changed));
      return changed;
    },
    settings: () =>
      ArgoSettings.parse(JSON.parse((settings.get() as { settings: string } | undefined)?.settings ?? '{}')),
    setSettings: (changed) => void setSettings.run(JSON.stringify(changed)),
  };
}
