import type { AlertState, FiringEpisode } from './ports.ts';

/**
 * Certainly does not fire any more. That an alert cannot be found proves that only where it had been found before: it may
 * come from another Alertmanager, or from none.
 */
export const hasEnded = (state: AlertState | undefined, { seen }: Pick<FiringEpisode, 'seen'>): boolean =>
  state === 'over' || (state === 'absent' && seen);
