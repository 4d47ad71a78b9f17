import type { Deps } from '../../domain/ports/deps.ts';

/** Days that one run rolls up. A run of the sweeper has less than a minute. */
const DAYS_PER_RUN = 500;

/**
 * Rolls up the days of deploys that have changed, each minute. At first, it continues the backfill of older changes by one
 * page. A run that is interrupted is continued by the next one.
 */
export const rollDeploys = ({ deployHistory }: Pick<Deps, 'deployHistory'>): Promise<unknown> =>
  deployHistory.roll(DAYS_PER_RUN);
