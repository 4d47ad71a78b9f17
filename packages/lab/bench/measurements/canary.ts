import { judge } from '../../../../core/domain/judge/judge.ts';
import type { ComparedRule } from '../../evaluation/canary/evaluate.ts';
import { usualQuantile } from '../../evaluation/canary/evidence.ts';
import { afterFailures, kayenta, thresholds } from '../../evaluation/canary/rules.ts';
import type { Scene } from '../../evaluation/canary/world.ts';

/** Looks that must fail, as `threshold: 5` of Flagger. */
const FAILURES = 5;

const SETTINGS = { minRequests: 100, stepSeconds: 30, tolerance: 1.25 };

/** How much above the usual values of a service its limits are. */
const MARGIN = 1.5;

const limits = (scene: Scene) => ({
  errorRatio: MARGIN * scene.errorRatio,
  slowest: MARGIN * usualQuantile(scene),
});

/** The judge, and the rules beside it. Fixed limits are set for each service. */
export const comparedRules = {
  judge: { form: 'buckets', create: () => (evidence) => judge(evidence, SETTINGS).verdict },
  'judge, no neighbors': {
    form: 'buckets',
    create: () => (evidence) => judge({ ...evidence, controls: [] }, SETTINGS).verdict,
  },
  'judge, quantiles': { form: 'quantiles', create: () => (evidence) => judge(evidence, SETTINGS).verdict },
  'fixed limits': { form: 'quantiles', create: (scene) => thresholds(limits(scene)) },
  'fixed limits, 5 failures': {
    form: 'quantiles',
    create: (scene) => afterFailures(thresholds(limits(scene)), FAILURES),
  },
  Kayenta: { form: 'quantiles', create: () => kayenta },
} satisfies Record<string, ComparedRule>;
