import type { Recorded } from '../records.ts';
import type { Rollout } from './rollouts.ts';
import type { Stage } from '../stage.ts';

/** What a class adds to a world. */
export type Scene = {
  /** The true cause. Null: no recorded change. */
  cause: Rollout | Recorded | null;
  /** When users notice the problem first. */
  begins: number;
  /** When the slow rise began that leads to the problem. Absent: it is none. */
  rises?: number;
  /** The alert is that of the watch of this deploy, which has just ended. */
  watched?: Rollout;
  /** Time of the judgement. Absent: soon after the alert. */
  judgedAt?: number;
  /** Time from which the errors themselves show that no change is the cause, because they recur. Absent: never. */
  traceFrom?: number;
  /** The alert or the records of changes show that no change is the cause, without a health query. */
  isOnRecord?: true;
  /** The problem ends by itself, which shows once errors fall. */
  endsByItself?: true;
  /** Time before which no alert is judged. Absent: `begins`. */
  judgedFrom?: number;
  /** The rule may fire before the problem begins. */
  mayFireBefore?: boolean;
};

/** Used share of the memory of an instance without a leak. */
export const USUAL_USAGE = 0.35;

export type SceneOf = (stage: Stage) => Scene;

/** Deploys the focus at some time in the two hours before, with this probability; also a little later. */
export function innocent({ rng, focus, onset, deploy }: Stage, probability: number): Rollout | null {
  return rng.chance(probability) ? deploy(focus, onset + rng.between(-7200, 240)) : null;
}

/** Share of failing requests of a serious problem. */
export const serious = ({ rng, focus }: Stage): number =>
  Math.min(0.97, Math.max(rng.scale(0.05, 0.9), 2.5 * limitOf(focus)));

/** Returns the health limit of a service as a share of requests. */
export const limitOf = ({ health: { form, max } }: Stage['focus']): number =>
  form === 'percent' ? max / 100 : form === 'quantile' || form === 'usage' ? 0.02 : max;
