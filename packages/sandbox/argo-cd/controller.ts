import type {
  ArgoSettings,
  HistoryEntry,
  InitiatedBy,
  OperationState,
  Source,
  State,
  SyncOperation,
} from './applications.ts';
import type { StandInDeps } from '../core/stand-in.ts';
import { canSync } from './changes.ts';

/** Interval at which Argo CD polls Git. @see https://argo-cd.readthedocs.io/en/stable/faq/ (timeout.reconciliation) */
const RECONCILIATION_MS = 180_000;

/** Maximum number of entries in the history. @see spec.revisionHistoryLimit */
const HISTORY_LIMIT = 10;

/** Formats a time as Kubernetes does, in whole seconds. */
export const kubernetesTime = (millis: number): string => `${new Date(millis).toISOString().slice(0, 19)}Z`;

export const isAutomated = ({ spec }: State): boolean => {
  const automated = spec.syncPolicy?.automated;
  return automated !== undefined && automated !== null && automated.enabled !== false;
};

/** Returns the running deployment: the result of the last successful sync. */
export const liveDeployment = ({ history }: State): HistoryEntry | undefined => history.at(-1);

const renderSettings = ({ targetRevision: _followed, ...settings }: Source): string => JSON.stringify(settings);

export const isSynced = (state: State): boolean => {
  const live = liveDeployment(state);
  return live?.revision === state.known && renderSettings(live.source) === renderSettings(state.spec.source);
};

/**
 * Applies the changes that the application controller has made by `now`, since no timers run. Returns null if there are
 * none.
 */
export function settle(before: State, settings: ArgoSettings, { now, timeScale }: StandInDeps): State | null {
  const at = now();
  let state = before;
  if (state.operation && state.operation.endsAt <= at)
    state = finishOperation(state, state.operation, settings, settings.rollout_ms / timeScale);
  // Argo CD compares after a sync and at every polling interval.
  const finishedAt = Date.parse(state.operationState?.finishedAt ?? '');
  const isDue = state.comparedAt <= finishedAt && at >= finishedAt + 1000 / timeScale;
  if (isDue || at >= state.comparedAt + RECONCILIATION_MS / timeScale) state = compareWithGit(state, at);
  const autoSync = dueAutoSync(state);
  if (autoSync) state = beginOperation(state, autoSync, { automated: true }, at, settings.sync_ms / timeScale);
  return state === before ? null : state;
}

export const compareWithGit = (state: State, at: number): State => ({ ...state, known: state.head, comparedAt: at });

export const beginOperation = (
  state: State,
  sync: SyncOperation,
  initiatedBy: InitiatedBy,
  startedAt: number,
  durationMs: number,
): State => ({
  ...state,
  operation: { sync, initiatedBy, startedAt, endsAt: startedAt + Math.round(durationMs) },
  operationState: null,
});

function finishOperation(
  state: State,
  { sync, initiatedBy, startedAt, endsAt }: NonNullable<State['operation']>,
  { outcome }: ArgoSettings,
  rolloutMs: number,
): State {
  const source = sync.source ?? state.spec.source;
  const operationState: OperationState = {
    operation: { sync, initiatedBy },
    phase: outcome,
    message: outcome === 'Succeeded' ? 'successfully synced (all tasks run)' : 'one or more objects failed to apply',
    startedAt: kubernetesTime(startedAt),
    finishedAt: kubernetesTime(endsAt),
    syncResult: { revision: sync.revision, source, resources: [] },
  };
  const done = { ...state, operation: null, operationState };
  if (outcome === 'Failed' || sync.dryRun === true) return done;
  const entry = {
    id: (liveDeployment(state)?.id ?? -1) + 1,
    revision: sync.revision,
    source,
    deployStartedAt: kubernetesTime(startedAt),
    deployedAt: kubernetesTime(endsAt),
    initiatedBy,
  };
  return {
    ...addToHistory(done, entry),
    healthyAt: endsAt + Math.round(rolloutMs),
  };
}

export const addToHistory = (state: State, entry: HistoryEntry): State => ({
  ...state,
  history: [...state.history, entry].slice(-HISTORY_LIMIT),
});

/**
 * Returns the automated sync that is due. Each revision gets one attempt: a failed sync is not repeated until Git
 * changes.
 */
function dueAutoSync(state: State): SyncOperation | undefined {
  if (!isAutomated(state) || state.operation || isSynced(state) || !canSync(state.windows, 'automated'))
    return undefined;
  const last = state.operationState;
  const wasTried =
    last?.operation.sync.revision === state.known &&
    renderSettings(last.syncResult.source) === renderSettings(state.spec.source);
  const selfHeals = state.spec.syncPolicy?.automated?.selfHeal === true && state.operationState?.phase === 'Succeeded';
  if (wasTried && !selfHeals) return undefined;
  return { revision: state.known, source: state.spec.source, prune: state.spec.syncPolicy?.automated?.prune === true };
}
