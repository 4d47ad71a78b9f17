import type { UnreachedClassName } from '../labels.ts';
import type { Stage } from '../stage.ts';
import { step } from './faults.ts';
import { type SceneOf, serious } from './scene.ts';
import { badDeploy, comparable, failUnder, halfDone, isLive } from './scenes-of-confounders.ts';

const UNREACHED = { isUnreached: true } as const;

/** Lets callers tell versions apart, and alert. The service itself measures only requests that it has answered. */
function measuredByCallers(stage: Stage): void {
  comparable(stage);
  const { focus, rng } = stage;
  focus.health = { ...focus.health, form: rng.pick(['ratio', 'ratio_or_zero']), hasCallers: true };
  if (focus.health.max > 0.2) focus.health.max = 0.05;
  focus.rule = { ...focus.rule, form: 'callers', level: 1 };
}

export const scenesUnreached = {
  unreached_deploy: (stage) => {
    measuredByCallers(stage);
    return badDeploy(stage, UNREACHED);
  },

  unreached_node: (stage) => {
    measuredByCallers(stage);
    const { rng, focus, onset } = stage;
    const rollout = halfDone(stage);
    const under = stage.instances(focus).filter((one) => isLive(one, onset) && one.version === rollout.version);
    failUnder(stage, rollout, under, step(onset), rng.between(0.4, 1), UNREACHED);
    return { cause: null, begins: onset };
  },

  unreached_network: (stage) => {
    measuredByCallers(stage);
    halfDone(stage);
    stage.fault(stage.focus, step(stage.onset), { errors: serious(stage), ...UNREACHED });
    return { cause: null, begins: stage.onset };
  },
} satisfies Record<UnreachedClassName, SceneOf>;
