import type { FeatureNames } from '../feature-names.ts';

/** The names of what-if: it has none of its own, because it reads incidents and the configuration. */
export const names = { feature: 'simulation' } as const satisfies FeatureNames;
