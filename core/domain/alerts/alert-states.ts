import type { AlertState, FiringEpisode } from '../ports/alerts.ts';

/**
 * Returns whether an alert certainly no longer fires. An absent alert proves that only if it was found before: it may
 * belong to another Alertmanager, or to none.
 */
export const hasEnded = (state: AlertState | undefined, { seen }: Pick<FiringEpisode, 'seen'>): boolean =>
  state === 'over' || (state === 'absent' && seen);
