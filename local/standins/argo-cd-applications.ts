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

/** Where Argo CD itself lives. */
export const ARGOCD_NAMESPACE = 'argocd';

/** How it behaves; what is not given keeps its default. */
export const ArgoSettings = z.strictObject({
  /** Milliseconds that a sync takes, and after it the rollout; before they are divided by the time scale. */
  sync_ms: z.number().min(0).max(3_600_000).default(2000),
  rollout_ms: z.number().min(0).max(3_600_000).default(2000),
  /** How syncs end from now on, those that have begun included. */
  outcome: z.enum(['Succeeded', 'Failed']).default('Succeeded'),
  /** The only token that is good; null: any. */
  token: z.string().nullable().default(null),
  /** What the token may not do. */
  denied: z.array(z.enum(['get', 'sync', 'update'])).default([]),
});
export type ArgoSettings = z.infer<typeof ArgoSettings>;

/** Where manifests come from; `targetRevision` is what it follows. */
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

/** Of the last operation that is over. */
export type OperationState = {
  operation: { sync: SyncOperation; initiatedBy: InitiatedBy };
  phase: ArgoSettings['outcome'];
  message: string;
  startedAt: string;
  finishedAt: string;
  syncResult: { revision: string; source: Source; resources: [] };
};

/** A window is open or not by what was said, not by its schedule. */
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

/** All about one application. Times are milliseconds since the Unix epoch, or as Kubernetes writes them. */
export type State = {
  namespace: string;
  name: string;
  version: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  owners: { kind: string; name: string }[];
  spec: Spec;
  /** What the branch has, and what Argo CD knows of it since `comparedAt`. */
  head: string;
  known: string;
  comparedAt: number;
  history: HistoryEntry[];
  /** Of each revision that was ever named. */
  images: Record<string, string[]>;
  operation: { sync: SyncOperation; initiatedBy: InitiatedBy; startedAt: number; endsAt: number } | null;
  operationState: OperationState | null;
  /** Until then it is Progressing. `health`: what somebody has said that it is. */
  healthyAt: number;
  health: { status: string; message?: string } | null;
  windows: SyncWindow[];
};

export type Applications = {
  get(name: string, namespace: string): State | undefined;
  all(): State[];
  /** Every change is a new version. */
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
