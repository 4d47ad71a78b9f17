import type { Version } from '../../../../schemas/config/names.ts';
import type { Random } from '../random.ts';
import type { Strategy } from './profile.ts';

/** The rollout of a version. Times in seconds of the world. */
export type Rollout = {
  version: Version;
  startedAt: number;
  /** Shares of the traffic with their start times, oldest first. Never empty. */
  steps: readonly [Step, ...Step[]];
  /** From then on it has all traffic that newer versions do not take. */
  finishedAt: number;
};

type Step = { at: number; share: number };

export function rollout(rng: Random, version: Version, startedAt: number, strategy: Strategy): Rollout {
  const steps = STEPS[strategy](rng, startedAt);
  const last = steps.at(-1)?.at ?? startedAt;
  return { version, startedAt, steps, finishedAt: last + rng.between(1, 20) };
}

/** Delay for pulling the image, the start, and the first readiness probe. */
const boot = (rng: Random): number => rng.between(10, 60);

const STEPS: Record<Strategy, (rng: Random, from: number) => Rollout['steps']> = {
  instant: (rng, from) => [{ at: from + rng.between(3, 30), share: 1 }],
  rolling: (rng, from) => {
    const instances = rng.whole(3, 20);
    const [first, duration] = [from + boot(rng), rng.scale(90, 900)];
    const step = (index: number): Step => ({
      at: first + (index * duration) / instances,
      share: (index + 1) / instances,
    });
    return [step(0), ...Array.from({ length: instances - 1 }, (_, index) => step(index + 1))];
  },
  canary: (rng, from) => canary(rng, from, rng.pick([0.02, 0.05, 0.1, 0.1, 0.2]), rng.scale(240, 1200)),
};

/** @param pause seconds at each step */
function canary(rng: Random, from: number, weight: number, pause: number): Rollout['steps'] {
  const first: Step = { at: from + boot(rng), share: weight };
  const shares = rng.pick([[1], [0.5, 1], [0.25, 0.5, 1]]);
  return [first, ...shares.map((share, index) => ({ at: first.at + (index + 1) * pause, share }))];
}

/** A canary that stays at a small weight for a long time. */
export function longCanary(rng: Random, version: Version, startedAt: number, weight: number): Rollout {
  const steps = canary(rng, startedAt, weight, rng.between(1500, 3000));
  return { version, startedAt, steps, finishedAt: (steps.at(-1)?.at ?? startedAt) + 5 };
}

/** Returns the share of a version by its rollout, before newer versions take theirs. */
export function shareAt({ steps }: Rollout, t: number): number {
  let share = 0;
  for (const step of steps) {
    if (step.at > t) break;
    share = step.share;
  }
  return share;
}

export const takesTrafficAt = ({ steps }: Rollout): number => steps[0].at;
