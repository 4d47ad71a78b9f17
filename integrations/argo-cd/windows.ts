import type { Window, Windows } from './rest.ts';

/**
 * Returns a description of the sync windows that block a sync now; null if none does. A manual sync, such as a
 * rollback, is allowed in windows with `manualSync`.
 * @see https://argo-cd.readthedocs.io/en/stable/user-guide/sync_windows/
 */
export function blocking(
  { activeWindows, assignedWindows, canSync }: Windows,
  how: 'by hand' | 'automated',
): string | null {
  const active = activeWindows ?? [];
  const assigned = assignedWindows ?? [];
  const denying = active.filter(({ kind }) => kind === 'deny');
  const isOpen = active.some(({ kind }) => kind === 'allow');
  const closed = isOpen ? [] : assigned.filter(({ kind }) => kind === 'allow');
  const against = denying.length > 0 ? denying : closed;
  if (how === 'automated') return against.length === 0 ? null : shown(against);
  if (canSync) return null;
  const strict = against.filter(({ manualSync }) => !manualSync);
  return shown(strict.length > 0 ? strict : assigned);
}

const shown = (windows: readonly Window[]): string =>
  windows
    .map(({ kind, schedule, duration }) =>
      kind === 'allow'
        ? `the sync window that allows ("${schedule}" for ${duration}) is not open`
        : `the sync window that denies ("${schedule}" for ${duration}) is active`,
    )
    .join(', and ');
