import { millisOf } from '../../../schemas/time/time.ts';
import type { Judge } from './judge.ts';
import { onsetMillis, ownDeploysBefore, SUSPECT_MINUTES } from './observables.ts';

/**
 * The common rule as a baseline: roll back the newest deploy of the service that began in the half hour before the onset.
 */
export const nearestEarlierDeploy: Judge = ({ evidence }) => {
  const from = onsetMillis(evidence) - SUSPECT_MINUTES * 60_000;
  const near = ownDeploysBefore(evidence).filter(({ started_at }) => millisOf(started_at) >= from);
  const [newest] = near;
  if (newest === undefined) return { action: 'none', change_id: null, confidence: 0, ranked: [] };
  return { action: 'roll_back', change_id: newest.id, confidence: 1, ranked: near.map(({ id }) => id) };
};
