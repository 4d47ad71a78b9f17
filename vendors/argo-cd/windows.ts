import type { Window, Windows } from './rest.ts';

/**
 * Returns a description of the sync windows that block a sync now; null if none does. A manual sync, such as a
 * rollback, is allowed in windows with `manualSync`.
 * @see https://argo-cd.readthedocs.io/en/stable/user-guide/sync_windows/
 */
export function blockingWindows(
  { activeWindows, assignedWindows, canSync }: Windows,
  sync: 'manual' | 'automated',
): string | null {
  const active = activeWindows ?? [];
  const assigned = assignedWindows ?? [];
  const denying = active.filter(({ kind }) => kind === 'deny');
  const isOpen = active.some(({ kind }) => kind === 'allow');
  const closed = isOpen ? [] : assigned.filter(({ kind }) => kind === 'allow');
  const blocking = denying.length > 0 ? denying : closed;
  if (sync === 'automated') return blocking.length === 0 ? null : windowsText(blocking);
  if (canSync) return null;
  const automatedOnly = blocking.filter(({ manualSync }) => !manualSync);
  return windowsText(automatedOnly.length > 0 ? automatedOnly : assigned);
}

const windowsText = (windows: readonly Window[]): string =>
  windows
    .map(({ kind, schedule, duration }) =>
      kind === 'allow'
        ? `the sync window that allows ("${schedule}" for ${duration}) is not open`
        : `the sync window that denies ("${schedule}" for ${duration}) is active`,
    )
    .join(', and ');
