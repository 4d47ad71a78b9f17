import type { Evidence } from '../../../core/domain/correlation/evidence.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import type { Question } from './case.ts';
import type { Judgement } from './judge.ts';
import { onsetMillis, ownDeploysBefore, SUSPECT_MINUTES, versionsNow } from './observables.ts';

/** A common rule as a baseline. */
type Rule = (question: Partial<Question> & { evidence: Evidence }) => Judgement;

const NOTHING: Judgement = { action: 'none', change_id: null, confidence: 0, ranked: [] };

/** Rolls back the newest deploy of the service that began in the half hour before the onset. */
export const nearestEarlierDeploy: Rule = ({ evidence }) => {
  const from = onsetMillis(evidence) - SUSPECT_MINUTES * 60_000;
  const near = ownDeploysBefore(evidence).filter(({ started_at }) => millisOf(started_at) >= from);
  const [newest] = near;
  if (newest === undefined) return NOTHING;
  return { action: 'roll_back', change_id: newest.id, confidence: 1, ranked: near.map(({ id }) => id) };
};

/** The same if its version is above the limit of the health query; without metrics by version, if the service is. */
export const newestAboveLimit: Rule = ({ evidence }) => {
  const judgement = nearestEarlierDeploy({ evidence });
  const newest = ownDeploysBefore(evidence).find(({ id }) => id === judgement.change_id);
  const { health } = evidence;
  if (newest === undefined || health === null) return NOTHING;
  const value =
    evidence.by_version === null
      ? health.curve.at(-1)?.[1]
      : versionsNow(evidence)?.find(({ version }) => version === newest.version)?.value;
  return value !== undefined && value > health.max ? judgement : NOTHING;
};
